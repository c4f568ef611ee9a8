//! What Snowball leaves apart of a Russian word's forms: vowels that come and go (скидка, скидок), and the л that comes
//! after a lip's consonant (купить, куплю).
//!
//! Words that were one stay one: each rule looks at the stem alone. What two words come to share is rare, and costs a hit
//! that nobody meant; what stays apart costs one that somebody looked for.

/// After these a vowel comes and goes: скидок, отец, окон, кресел, ковёр, писем, денег, судеб, церковь.
const AFTER_FLEETING: &str = "кцнлрмгбв";
const LIPS: &str = "бвмпф";
/// A shorter stem is a word of its own, or short for one: км, кг, руб.
const SHORTEST: usize = 4;

/// A stem that is such a word is of another one: ней is not «не», and дай not «да».
const PARTICLES: [&str; 16] =
    ["бы", "во", "да", "до", "же", "за", "ко", "ли", "на", "не", "ни", "но", "ну", "по", "со", "то"];

/// The stem that a form's stem by Snowball and those of the word's other forms have in common.
pub(super) fn common(form: &str, stem: &str) -> String {
    if PARTICLES.contains(&stem) && form != stem {
        // No stem of another word ends so.
        return format!("{stem}ь");
    }
    let letters: Vec<char> = stem.chars().collect();
    let is_soft = |at: usize| letters[at] == 'ь' && at + 1 < letters.len() && is_consonant(letters[at + 1]);
    let mut letters: Vec<char> = (0..letters.len()).filter(|at| !is_soft(*at)).map(|at| letters[at]).collect();
    // One may make way for the other: земель, земля.
    while let [.., before, vowel, last] = letters[..]
        && letters.len() >= SHORTEST
    {
        let length = letters.len();
        if matches!(vowel, 'е' | 'о') && is_consonant(before) && AFTER_FLEETING.contains(last) {
            letters.remove(length - 2);
        } else if LIPS.contains(vowel) && last == 'л' {
            letters.pop();
        } else {
            break;
        }
    }
    letters.into_iter().collect()
}

fn is_consonant(letter: char) -> bool {
    !"аеиоуыэюяьъ".contains(letter)
}
