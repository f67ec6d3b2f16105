"""Plans and curves of 1cycle schedules in all forms, for Hypothesis to draw from."""

from hypothesis import strategies as st

from course_utils.lr.schedules import OneCycleCurve

STEPS = st.integers(3, 40)
PEAKS = st.floats(1e-6, 10)
DIVISORS = st.floats(1, 1e4)
MOMENTA = st.tuples(st.floats(0, 0.99), st.floats(0, 0.99))
MOMENTUM = st.none() | MOMENTA
LEGS = {
    "div": DIVISORS,
    "tail": st.just(0.0) | st.floats(0.01, 0.9),
    "final_div": DIVISORS,
    "momentum": MOMENTUM,
}
# Form -> its settings; torch's needs a step before the peak.
FORMS = {
    OneCycleCurve.gugger: LEGS,
    OneCycleCurve.smith: LEGS,
    OneCycleCurve.fastai: {
        "div": DIVISORS,
        "pct_start": st.floats(0.01, 0.99),
        "div_final": DIVISORS,
        "momentum": MOMENTUM,
    },
    OneCycleCurve.torch: {
        "div": DIVISORS,
        "pct_start": st.floats(0.35, 0.5),
        "final_div": DIVISORS,
        "momentum": MOMENTUM,
        "three_phase": st.booleans(),
    },
}
# (form, total steps, peak, settings)
PLANS = st.sampled_from(list(FORMS)).flatmap(
    lambda form: st.tuples(st.just(form), STEPS, PEAKS, st.fixed_dictionaries(FORMS[form]))
)
CURVES = PLANS.map(lambda plan: plan[0](plan[1], plan[2], **plan[3]))
SEED_CURVES = st.builds(OneCycleCurve.gugger, STEPS, PEAKS, **LEGS)
