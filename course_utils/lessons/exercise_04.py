"""Exercise and quiz of lesson 04, 1cycle."""

from __future__ import annotations

from functools import partial

from course_utils.teaching import Case, Exercise, number_questions


def _one_cycle_lr(
    step, total_steps, max_lr, div=10.0, tail=0.1, final_div=100.0, *, mistake: str | None = None
) -> float:
    """Solve the exercise, or make one of the mistakes that learners make."""
    last = total_steps if mistake == "ends too late" else total_steps - 1
    legs = 1.0 if mistake == "legs without tail" else 1 - tail
    leg = last * legs * (1 / 3 if mistake == "uneven legs" else 1 / 2)
    end_of_cycle = last * legs
    low = max_lr / div
    start = 0.0 if mistake == "starts at zero" else low
    end = max_lr / final_div if mistake == "tail ends too high" else low / final_div
    if mistake == "ends at zero":
        end = 0.0
    if step <= leg:
        return start + step / leg * (max_lr - start)
    if step <= end_of_cycle or tail == 0:
        fraction = (step - leg) / (end_of_cycle - leg)
        return max_lr + fraction * ((end if mistake == "no tail" else low) - max_lr)
    if mistake == "tail missing":
        return low
    if mistake == "tail from the peak":
        low = max_lr
    fraction = (step - end_of_cycle) / (last - end_of_cycle)
    return low + fraction * (end - low)


MISTAKES = {
    "starts at zero": "The cycle starts at the low LR, max_lr / div, not at zero.",
    "uneven legs": "The two legs must take equally many steps.",
    "legs without tail": "The legs take all the steps: leave the fraction `tail` for the tail.",
    "ends too late": "The last step is total_steps - 1: there are total_steps - 1 intervals.",
    "no tail": "The second leg ends at the low LR, not at the tail's end.",
    "tail missing": "The tail stays at the low LR: it must fall on, in a straight line.",
    "tail from the peak": "The tail starts at the low LR, where the cycle ended, not at the peak.",
    "tail ends too high": "The tail ends at the low LR / final_div, not at max_lr / final_div.",
    "ends at zero": "The tail ends at the low LR / final_div, not at zero.",
}


def _all_steps(function, total_steps, *arguments) -> list[float]:
    """Ask the function for the learning rate of every step."""
    return [function(step, total_steps, *arguments) for step in range(total_steps)]


EXERCISE = Exercise(
    lesson="04",
    name="one_cycle_lr",
    reference=_one_cycle_lr,
    cases=[
        Case(
            "5 steps, no tail: up and down",
            (5, 1.0, 10.0, 0.0),
            hint="The learning rates are 0.1, 0.55, 1, 0.55 and 0.1.",
        ),
        Case(
            "11 steps, of which the last two are the tail",
            (11, 1.0, 10.0, 0.2, 100.0),
            hint="The peak is at step 4, the cycle ends at step 8, and step 10 has LR 0.001.",
        ),
        Case(
            "another peak, division and final division",
            (21, 3.0, 20.0, 0.1, 50.0),
            hint="max_lr, div and final_div are arguments: is one of them typed in as a number?",
        ),
        Case("a peak that falls between two steps", (78, 0.4, 10.0, 13 / 95, 100.0)),
    ],
    mistakes=[(partial(_one_cycle_lr, mistake=name), words) for name, words in MISTAKES.items()],
    call=_all_steps,
    atol=1e-12,
)

QUIZ = number_questions(
    "04",
    {
        "question": "Why does each arm of the comparison get its own learning rate?",
        "options": {
            "A": "To save time: fewer runs are needed.",
            "B": "Schedules need different peaks; one LR for all favours the arm that it suits.",
            "C": "So that all arms end at the same training loss.",
        },
        "correct": "B",
        "why": "A badly tuned rival can make any new method look several times faster.",
    },
    {
        "question": "The linear decay has no warm-up. What does it tell, as a control?",
        "options": {
            "A": "Without a warm-up the training diverges.",
            "B": "The warm-up is worth several points.",
            "C": "On this net the gain comes from how the LR ends more than from the warm-up.",
        },
        "correct": "C",
        "why": "It has no warm-up and no cycle, and still ends about level with 1cycle.",
    },
    {
        "question": "In the tail the validation loss rises while the accuracy stays. Why?",
        "options": {
            "A": "The net grows more certain, also where it is wrong.",
            "B": "The learning rate is too high.",
            "C": "The validation images are leaking into the training.",
        },
        "correct": "A",
        "why": "Accuracy counts mistakes; the loss also counts how certain they were.",
    },
)
