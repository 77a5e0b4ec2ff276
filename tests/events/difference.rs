//! What changed between two texts, line by line, for a person.

/// Lines around a change that are shown too.
const CONTEXT: usize = 2;

/// The lines that differ, each with `-` (only in `old`) or `+` (only in `new`) in front, and some around them.
pub(crate) fn difference(old: &str, new: &str) -> String {
    let (old, new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
    // Length of the longest common subsequence of what is left from here on.
    let mut common = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = match old[i] == new[j] {
                true => common[i + 1][j + 1] + 1,
                false => common[i + 1][j].max(common[i][j + 1]),
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::new();
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push((' ', old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || i < old.len() && common[i + 1][j] >= common[i][j + 1] {
            lines.push(('-', old[i]));
            i += 1;
        } else {
            lines.push(('+', new[j]));
            j += 1;
        }
    }
    let is_near = |at: usize| {
        lines[at.saturating_sub(CONTEXT)..(at + CONTEXT + 1).min(lines.len())]
            .iter()
            .any(|(sign, _)| *sign != ' ')
    };
    let shown = (0..lines.len()).filter(|at| is_near(*at));
    shown.map(|at| format!("{} {}\n", lines[at].0, lines[at].1)).collect()
}

#[test]
fn what_changed_is_shown_with_what_stands_around_it() {
    let old = "a\nb\nc\nd\ne\nf\ng";
    let new = "a\nb\nc\nD\ne\nf\ng\nh";
    assert_eq!(difference(old, new), "  b\n  c\n- d\n+ D\n  e\n  f\n  g\n+ h\n");
    assert_eq!(difference(old, old), "");
}
