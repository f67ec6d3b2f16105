import pytest
import torch

from course_utils.prior_correction import correct_prior


def test_value():
    """Is the log of each class's share subtracted, whatever the counts' scale?"""
    logits = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
    shares = torch.tensor([0.7, 0.2, 0.1])
    expected = logits - shares.log()
    for counts in (shares, shares * 1000, (shares * 1000).round().long(), [70, 20, 10]):
        torch.testing.assert_close(correct_prior(logits, counts), expected)
    assert logits[1].tolist() == [0, 0, 0]


def test_equal_counts_change_no_prediction():
    """Does a balanced training set leave the differences between logits as they are?"""
    logits = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    corrected = correct_prior(logits, torch.tensor([30, 30, 30, 30]))
    torch.testing.assert_close(corrected.softmax(1), logits.softmax(1))


def test_it_is_the_best_rule_of_a_known_problem():
    """Does it turn the true posterior of a skewed problem into that of the balanced one?"""
    likelihood = torch.tensor([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3]]).T  # p(image | class)
    counts = torch.tensor([90, 10])
    joint = likelihood * counts / counts.sum()
    posterior = joint / joint.sum(1, keepdim=True)
    balanced = likelihood / likelihood.sum(1, keepdim=True)
    torch.testing.assert_close(correct_prior(posterior.log(), counts).softmax(1), balanced)
    assert posterior.argmax(1).tolist() == [0, 0, 0]
    assert correct_prior(posterior.log(), counts).argmax(1).tolist() == [0, 1, 1]


def test_type_is_kept():
    """Do half-precision logits stay in half precision, and the logits given stay as they were?"""
    logits = torch.zeros(2, 2, dtype=torch.float16)
    assert correct_prior(logits, [9, 1]).dtype == torch.float16
    assert logits.abs().max() == 0


@pytest.mark.parametrize(
    "logits, counts, words",
    [
        (torch.zeros(2, 3), [1, 2], r"shape \(2, 3\) and the counts \(2,\)"),
        (torch.zeros(3), [1, 2, 3], r"shape \(3,\) and the counts \(3,\)"),
        (torch.zeros(2, 3), [1, 0, 3], r"classes \[1\] have no training sample"),
    ],
)
def test_bad_input(logits, counts, words):
    """Do shapes that do not fit, and an empty class, raise a sentence?"""
    with pytest.raises(ValueError, match=words):
        correct_prior(logits, counts)
