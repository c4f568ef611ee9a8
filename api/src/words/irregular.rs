//! Everyday words of shops and their clients whose forms no rule on endings brings together.

/// A word, and those of its forms that are like another word's.
const WORDS: [(&str, &[&str]); 17] = [
    ("день", &["дня", "дню", "днем", "дне", "дни", "дней", "дням", "днями", "днях"]),
    ("друг", &["друзья", "друзей", "друзьям", "друзьями", "друзьях"]),
    ("оплатить", &["оплачу"]),
    ("письмо", &["писем"]),
    ("ребенок", &["дети", "детей", "детям", "детьми", "детях"]),
    ("человек", &["люди", "людей", "людям", "людьми", "людях"]),
    ("buy", &["bought"]),
    ("child", &["children"]),
    ("deliver", &["delivery", "deliveries"]),
    ("get", &["got"]),
    ("man", &["men"]),
    ("pay", &["paid"]),
    ("person", &["people"]),
    ("sell", &["sold"]),
    ("send", &["sent"]),
    ("shelf", &["shelves"]),
    ("woman", &["women"]),
];

/// The word that this is a form of, where the rules would not tell.
pub(super) fn base(form: &str) -> &str {
    WORDS.iter().find(|(_, forms)| forms.contains(&form)).map_or(form, |(word, _)| word)
}
