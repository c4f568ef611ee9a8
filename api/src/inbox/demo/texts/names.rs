//! What people and tags are called.

use super::{Chance, Spoken};

pub(super) const HER_FIRST: &[&str] =
    &["Анна", "Мария", "Ольга", "Елена", "Наталья", "Ирина", "Татьяна", "Светлана", "Алёна", "Юлия"];
pub(super) const HIS_FIRST: &[&str] =
    &["Семён", "Пётр", "Александр", "Дмитрий", "Сергей", "Алексей", "Андрей", "Иван", "Максим", "Фёдор"];
pub(super) const FIRST: &[&str] = &["John", "Emma", "Oliver", "Sofia", "Jack", "Alice", "Noah", "Grace"];

/// Nobody's: made of what nobody is called.
pub(super) const HER_LAST: &[&str] = &[
    "Примерова",
    "Тестова",
    "Образцова",
    "Макетова",
    "Шаблонова",
    "Ёлкина",
    "Соловей",
    "Ветер",
    "Берёза",
    "Ручей",
    "Полянка",
    "Озеро",
    "Метель",
    "Заря",
];
pub(super) const HIS_LAST: &[&str] = &[
    "Примеров",
    "Тестов",
    "Образцов",
    "Макетов",
    "Шаблонов",
    "Ёлкин",
    "Черновик",
    "Клён",
    "Мороз",
    "Снегирь",
    "Лист",
    "Соловей",
    "Ветер",
    "Ручей",
];
pub(super) const LAST: &[&str] = &["Sample", "Placeholder", "Example", "Specimen", "Mockup", "Draft", "Testcase"];

/// A few common, many rare.
pub const TAGS: [&str; 40] = [
    "доставка",
    "возврат",
    "оплата",
    "новый",
    "постоянный",
    "опт",
    "гарантия",
    "жалоба",
    "срочно",
    "vip",
    "подарок",
    "самовывоз",
    "обмен",
    "размер",
    "промокод",
    "склад",
    "сайт",
    "курьер",
    "чек",
    "предзаказ",
    "ремонт",
    "перезвонить",
    "wholesale",
    "refund",
    "язык: en",
    "Казань",
    "Пермь",
    "Томск",
    "акция",
    "отзыв",
    "брак",
    "документы",
    "договор",
    "юрлицо",
    "рассрочка",
    "мебель",
    "свет",
    "одежда",
    "спорт",
    "разное",
];

/// Somebody's name.
pub fn name(language: &Spoken, chance: &mut Chance) -> String {
    // Of women's and men's names the first fits the last.
    let kind = usize::try_from(chance.below(language.0.first.len() as u64)).unwrap_or_default();
    format!("{} {}", chance.one(language.0.first[kind]), chance.one(language.0.last[kind]))
}
