//! What is said in the made-up dialogues: Russian for the most part, English for the rest, as a shop's clients write.

use super::chance::Chance;

/// In about one message of ten thousand.
pub const RARE: &str = "аметист";

const FIRST: [&str; 24] = [
    "Анна",
    "Мария",
    "Ольга",
    "Елена",
    "Наталья",
    "Ирина",
    "Татьяна",
    "Светлана",
    "Алёна",
    "Юлия",
    "Семён",
    "Пётр",
    "Александр",
    "Дмитрий",
    "Сергей",
    "Алексей",
    "Андрей",
    "Иван",
    "Максим",
    "Фёдор",
    "John",
    "Emma",
    "Oliver",
    "Sofia",
];
const LAST: [&str; 24] = [
    "Примерова",
    "Тестова",
    "Образцова",
    "Макетова",
    "Шаблонова",
    "Черновик",
    "Заглушка",
    "Ёлкина",
    "Соловей",
    "Ветер",
    "Берёза",
    "Ручей",
    "Полянка",
    "Озеро",
    "Клён",
    "Мороз",
    "Заря",
    "Метель",
    "Снегирь",
    "Лист",
    "Sample",
    "Placeholder",
    "Example",
    "Specimen",
];
const GOODS: [&str; 24] = [
    "кресло",
    "лампу",
    "стол",
    "чайник",
    "куртку",
    "рюкзак",
    "велосипед",
    "наушники",
    "ковёр",
    "зеркало",
    "полку",
    "диван",
    "плед",
    "часы",
    "кроссовки",
    "палатку",
    "гирлянду",
    "ёлку",
    "матрас",
    "термос",
    "набор кистей",
    "кольцо",
    "шкаф",
    "вазу",
];
const CITIES: [&str; 14] = [
    "Казань",
    "Пермь",
    "Томск",
    "Уфу",
    "Самару",
    "Тверь",
    "Псков",
    "Орёл",
    "Сочи",
    "Омск",
    "Рязань",
    "Калугу",
    "Вологду",
    "Королёв",
];
const ASKED: [&str; 26] = [
    "Здравствуйте! Сколько стоит доставка в {city}?",
    "Добрый день, есть ли в наличии {good}?",
    "Заказ {order} ещё не пришёл, когда ждать?",
    "Хочу вернуть {good}, не подошёл размер",
    "Можно изменить адрес в заказе {order}?",
    "Подскажите, {good} можно забрать самому?",
    "Когда будет скидка на {good}?",
    "Оплатила {price} ₽, а чек не пришёл",
    "Мой телефон {phone}, перезвоните, пожалуйста",
    "Спасибо, всё получили!",
    "А гарантия на {good} сколько месяцев?",
    "Привезли не то: заказывали {good}, а в коробке другое",
    "Подарочная упаковка есть?",
    "Жду ответа уже второй день",
    "Можно оплатить при получении?",
    "Курьер не дозвонился, мой номер {phone}",
    "да",
    "Хорошо, беру",
    "а до {city} за сколько дней довезёте?",
    "Почему заказ {order} отменён?",
    "Промокод не работает",
    "Hi, is the blue one back in stock?",
    "Where is my order {order}?",
    "Can I change the delivery address?",
    "How much is shipping to {city}?",
    "Thanks, that works for me",
];
const ANSWERED: [&str; 20] = [
    "Здравствуйте! Доставка в {city} — {price} ₽, привезём за три дня",
    "Добрый день! Да, {good} есть, отложить для вас?",
    "Заказ {order} уже в пути, курьер позвонит завтра",
    "Вернуть можно в течение 14 дней, чек сохраните",
    "Адрес изменили, спасибо, что предупредили",
    "Да, с 10 до 20, адрес на сайте",
    "Проверяю, минутку",
    "Деньги вернутся на карту до пятницы",
    "Извините за ожидание! Заказ {order} собран",
    "Перезвоним вам на {phone} в течение часа",
    "Гарантия — год, с ней поможет наш сервис",
    "Пришлите, пожалуйста, фото",
    "Рады помочь! Хорошего дня",
    "Скидка будет в декабре, оставить заявку?",
    "Сейчас всё исправим",
    "Оплатить можно и картой, и наличными",
    "Sure, the order {order} is on its way",
    "Yes, it is in stock: {price} ₽",
    "Delivery takes three days",
    "We are running late today, sorry",
];
const NOTES: [&str; 8] = [
    "Проверьте, пожалуйста, склад",
    "Постоянный клиент, можно скидку",
    "Перезвонить после обеда",
    "Ждём ответа от доставки",
    "Просил не звонить",
    "Оформить возврат по заказу {order}",
    "Спросить у бухгалтерии про {price} ₽",
    "Ask the warehouse about {order}",
];
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

/// A person's name.
pub fn name(chance: &mut Chance) -> String {
    format!("{} {}", word(chance, &FIRST), word(chance, &LAST))
}

/// What a client writes.
pub fn asked(chance: &mut Chance) -> String {
    let text = filled(word(chance, &ASKED), chance);
    let text = if chance.below(10_000) == 0 { format!("{text} Нужен {RARE}") } else { text };
    lengthened(text, &ASKED, chance)
}

/// What an employee answers.
pub fn answered(chance: &mut Chance) -> String {
    let text = filled(word(chance, &ANSWERED), chance);
    lengthened(text, &ANSWERED, chance)
}

/// What employees tell each other.
pub fn note(chance: &mut Chance) -> String {
    filled(word(chance, &NOTES), chance)
}

/// What a deal or task is about.
pub fn matter(chance: &mut Chance) -> String {
    format!("{}, {}", word(chance, &GOODS), word(chance, &CITIES))
}

fn word(chance: &mut Chance, of: &[&'static str]) -> &'static str {
    chance.one::<&'static str>(of)
}

/// Some say more at once.
fn lengthened(mut text: String, of: &[&'static str], chance: &mut Chance) -> String {
    while chance.percent(20) {
        text.push_str(if text.ends_with(|c: char| c.is_alphanumeric()) { ". " } else { " " });
        text.push_str(&filled(word(chance, of), chance));
    }
    text
}

fn filled(template: &str, chance: &mut Chance) -> String {
    let mut text = String::with_capacity(template.len() + 16);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let (slot, behind) = after.split_once('}').unwrap_or((after, ""));
        match slot {
            "good" => text.push_str(word(chance, &GOODS)),
            "city" => text.push_str(word(chance, &CITIES)),
            "order" => text.push_str(&format!("№{}", 10_000 + chance.below(900_000))),
            "price" => text.push_str(&price(chance)),
            // Of no operator's range.
            _ => text.push_str(&format!(
                "+7 (000) {:03}-{:02}-{:02}",
                chance.below(1_000),
                chance.below(100),
                chance.below(100)
            )),
        }
        rest = behind;
    }
    text.push_str(rest);
    text
}

fn price(chance: &mut Chance) -> String {
    let price = 10 * (10 + chance.below(2_000));
    if price >= 1_000 { format!("{} {:03}", price / 1_000, price % 1_000) } else { price.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_unfilled_and_the_words_for_searches_are_as_frequent_as_said() {
        let mut chance = Chance::of(1, 0, 0);
        let texts: Vec<String> =
            (0..40_000).map(|n| if n % 2 == 0 { asked(&mut chance) } else { answered(&mut chance) }).collect();
        assert!(texts.iter().all(|text| !text.contains(['{', '}']) && !text.is_empty()));
        let with = |word: &str| texts.iter().filter(|text| text.to_lowercase().contains(word)).count();
        assert!((4_000..12_000).contains(&with("заказ")), "{}", with("заказ"));
        assert!((1..8).contains(&with(RARE)), "{}", with(RARE));
    }
}
