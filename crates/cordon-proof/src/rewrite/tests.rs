use super::*;

fn policy(text: &str) -> Option<Policy> {
    Policy::parse(Some(PolicyId::new("p")), text).ok()
}

fn fixed(condition: &str) -> Option<Result<String, RewriteError>> {
    let policy = policy(&format!("permit (principal, action, resource) when {{ {condition} }};"))?;
    let fixed = fix(&policy, &[("state", "State", "NORMAL")]);
    Some(fixed.map(|policy| policy.to_cedar().unwrap_or_default()))
}

#[test]
fn a_fact_is_replaced_wherever_it_stands() {
    for condition in [
        "context.state == State::\"CONTAINED\"",
        "[State::\"CONTAINED\"].contains(context.state)",
        "if true then context[\"state\"] == State::\"X\" else {a: context.state}.a == context.state",
    ] {
        let text = fixed(condition).and_then(Result::ok).unwrap_or_default();
        assert!(text.contains("State::\"NORMAL\""), "{text}");
        assert!(!text.contains("context"), "{text}");
    }
}

#[test]
fn other_facts_stay() {
    let text = fixed("context.identity == Identity::\"x\"").and_then(Result::ok);
    assert!(text.is_some_and(|text| text.contains("context.identity")), "replaced too much");
}

#[test]
fn a_policy_that_reads_the_whole_context_is_refused() {
    for condition in [
        "[context].contains({state: State::\"NORMAL\"})",
        "(if true then context else context).state == State::\"NORMAL\"",
        "{\".\": context}[\".\"].state == State::\"NORMAL\"",
    ] {
        let refused = matches!(fixed(condition), Some(Err(RewriteError::WholeContext { .. })));
        assert!(refused, "{condition}");
    }
}

#[test]
fn a_turned_permit_forbids_the_same() {
    let turned = policy("permit (principal, action, resource) when { context.a };")
        .and_then(|policy| turned(&policy).ok());
    assert!(turned.is_some_and(|policy| policy.effect() == cedar_policy::Effect::Forbid));
}
