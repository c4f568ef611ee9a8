//! Unit tests of the analyzer.

use super::query::Query;
use super::*;

fn forms(text: &str) -> Vec<String> {
    words(text).into_iter().map(|word| word.form).collect()
}

#[test]
fn words_are_told_apart_and_compared_without_case_and_accents() {
    assert_eq!(forms("Сколько стоит ДОСТАВКА?"), ["сколько", "стоит", "доставка"]);
    assert_eq!(forms("Ёлка всё ещё"), ["елка", "все", "еще"]);
    assert_eq!(forms("йод и\u{306}од"), ["йод", "йод"]);
    assert_eq!(forms("café ﬁne １２ Straße"), ["cafe", "fine", "12", "straße"]);
    assert_eq!(forms("Договор_поставки №7.pdf e-mail"), ["договор", "поставки", "7", "pdf", "e", "mail"]);
    assert_eq!(forms("🙂🙂 \0 — …"), [""; 0]);
    assert_eq!(forms(&"я".repeat(4000))[0].chars().count(), LONGEST);
    assert_eq!(forms(&"a ".repeat(20_000)).len(), MOST);
}

#[test]
fn a_words_forms_have_one_stem() {
    for same in [
        &["доставка", "доставку", "доставки", "доставкой"][..],
        &["заказ", "заказы", "заказами"],
        &["купила", "купил"],
        &["running", "run", "runs"],
        &["deliver", "delivered", "delivery", "deliveries"],
        &["скидка", "скидок", "скидками"],
        &["посылка", "посылок"],
        &["подарок", "подарка", "подарки", "подарков"],
        &["деньги", "денег", "деньгами"],
        &["звонок", "звонка", "звонков"],
        &["день", "дня", "дни", "дней", "дням"],
        &["письмо", "писем", "письмами"],
        &["друг", "друга", "друзья", "друзей"],
        &["оплатить", "оплатил", "оплачу"],
        &["оплаченный", "оплаченные", "оплаченного", "оплаченных"],
        &["соя", "сою", "сои"],
        &["установить", "установлю"],
        &["готовить", "готовлю"],
        &["туфли", "туфель"],
        &["земля", "земель"],
        &["pay", "paid", "pays", "paying"],
        &["woman", "women"],
        &["кресло", "кресел"],
        &["окно", "окон", "окна"],
        &["отец", "отца"],
        &["ковер", "ковра"],
        &["купить", "куплю", "купил"],
        &["телефон", "телефона", "телефоны"],
        &["номер", "номера", "номеров"],
    ] {
        let stems: Vec<String> = same.iter().map(|word| stem(word)).collect();
        assert!(stems.iter().all(|stem| *stem == stems[0]), "{same:?}: {stems:?}");
    }
    for (one, other) in [
        ("кот", "который"),
        ("город", "гордый"),
        ("кому", "км"),
        ("ней", "не"),
        ("ной", "но"),
        ("сон", "сын"),
        ("голос", "голый"),
        ("ответ", "отвод"),
        ("стол", "стул"),
    ] {
        assert_ne!(stem(one), stem(other), "{one}, {other}");
    }
    // Neither language's rules touch a mix.
    assert_eq!(stem("iphoneами"), "iphoneами");
}

fn numbers_of(text: &str) -> Vec<String> {
    numbers::numbers(text, &words(text)).into_iter().map(|number| number.digits).collect()
}

#[test]
fn what_nobody_sees_parts_no_word() {
    assert_eq!(forms("пре\u{ad}мия авто\u{200b}мобиль\u{feff} \u{2060}да"), ["премия", "автомобиль", "да"]);
}

#[test]
fn numbers_in_groups_are_one() {
    assert!(numbers_of("+7 (916) 123-45-67").contains(&"79161234567".to_owned()));
    assert!(numbers_of("8(495)7654321 и").contains(&"84957654321".to_owned()));
    assert_eq!(numbers_of("Сумма 1 000 000 ₽, скидка 1999.90"), ["1000", "1000000", "000000"]);
    assert_eq!(numbers_of("заказ 1042 5 штук"), [""; 0]);
    assert!(numbers_of("тел. 8 916 123 45 67, офис 12").contains(&"89161234567".to_owned()));
}

#[test]
fn queries_are_words_phrases_beginnings_and_numbers() {
    let read = |text: &str| Query::read(text).unwrap().fts5();
    assert_eq!(read("доставку "), r#"(stems : "доставк" OR forms : "доставку" OR extras : "доставку")"#);
    assert_eq!(read("доста"), r#"(stems : "дост" OR forms : "доста" * OR extras : "доста")"#);
    assert_eq!(read("я"), r#"(stems : "я" OR forms : "я" OR extras : "я")"#, "one letter begins too many words");
    assert_eq!(read("«стоит доставка»"), r#"(stems : "сто доставк")"#);
    assert_eq!(
        read("an \"unclosed phrase"),
        r#"(stems : "an" OR forms : "an" OR extras : "an") AND (stems : "unclos phrase")"#
    );
    assert_eq!(
        read("сто* лет "),
        concat!(
            r#"(stems : "сто" OR forms : "сто" * OR extras : "сто") AND "#,
            r#"(stems : "лет" OR forms : "лет" OR extras : "лет")"#
        )
    );
    // Each key that is typed of a number leaves what it is the beginning of.
    for typed in ["+7 (000) 514", "+7 (000) 514-3", "+7 (000) 514-30", "+7 (000) 514-30-9"] {
        let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
        assert!(read(typed).contains(&format!("\"{digits}\" *")), "{typed}: {}", read(typed));
    }
    // It may be several, too.
    assert_eq!(
        read("13 64"),
        concat!(
            r#"((({forms extras} : "1364" *)) OR ((({forms extras} : "13") OR ({forms extras} : "13")) AND "#,
            r#"(({forms extras} : "64" *) OR ({forms extras} : "64"))))"#
        )
    );
    let phone = Query::read("8 916 123-45-67").unwrap();
    assert!(phone.tsquery().contains("'+79161234567'"), "{}", phone.tsquery());
    for refused in ["", "  ", "***", "\"\"", "🙂", "\0", &"a".repeat(1_001), &"a ".repeat(33)] {
        assert!(Query::read(refused).is_err(), "{refused}");
    }
    // Nothing is syntax.
    for text in
        ["NEAR(a b)", "a AND b OR NOT c", "-a ^b c:d {e}", "(((", "'; DROP TABLE", "\\", "%_", "a\"b'c", "||&!<->:*"]
    {
        if let Ok(query) = Query::read(text) {
            let bare = |c: char| c.is_alphanumeric() || " '\"|&()+=:*{}-<>".contains(c);
            assert!(query.tsquery().chars().all(bare) && query.fts5().chars().all(bare), "{text}: {query:?}");
        }
    }
}

#[test]
fn snippets_are_escaped_and_their_hits_marked() {
    let snippet = |asked: &str, text: &str| Query::read(asked).unwrap().snippet([text]);
    assert_eq!(
        snippet("жирный", "<b>жирный</b> & \"кавычки\""),
        "&lt;b&gt;<mark>жирный</mark>&lt;/b&gt; &amp; &quot;кавычки&quot;"
    );
    assert_eq!(snippet("доставки", "Доставка и ДОСТАВКОЙ"), "<mark>Доставка</mark> и <mark>ДОСТАВКОЙ</mark>");
    assert_eq!(
        snippet("89161234567", "Звоните +7 (916) 123-45-67!"),
        "Звоните +<mark>7</mark> (<mark>916</mark>) <mark>123</mark>-<mark>45</mark>-<mark>67</mark>!"
    );
    assert_eq!(snippet("\"a b\"", "b a, a b"), "b a, <mark>a</mark> <mark>b</mark>");
    let long = format!("{}слово{}", "начало ".repeat(50), " конец".repeat(50));
    let cut = snippet("слово", &long);
    assert!(cut.starts_with("…начало ") && cut.ends_with(" конец…") && cut.contains("<mark>слово</mark>"), "{cut}");
    assert!(cut.chars().count() < 250, "{cut}");
    let parts = Query::read("договор").unwrap().snippet(["Вот он", "Договор.pdf"]);
    assert_eq!(parts, "<mark>Договор</mark>.pdf", "where the hit is");
    // Whatever the text, it is cut between characters.
    for text in ["🙂".repeat(500) + " слово " + &"🙂".repeat(500), "слово".repeat(300)] {
        snippet("слово", &text);
    }
}

#[test]
fn what_is_stored_fits_both_databases() {
    let stored = stored(["Заказ 1 000 000", "iPhone13.pdf"]);
    let [stems, forms, extras] = stored.columns();
    assert_eq!(forms, "заказ 1 000 000 ¶ iphone13 pdf");
    assert_eq!(stems.split(' ').count(), forms.split(' ').count(), "side by side");
    assert!(extras.split(' ').any(|extra| extra == "1000000") && extras.contains("iphone"), "{extras}");
    let vector = stored.vector();
    assert!(vector.contains("'заказ':1") && vector.contains("'=заказ':1") && vector.contains("'+1000000'"), "{vector}");
    assert!(super::stored([]).is_empty() && super::stored(["🙂"]).is_empty());
}
