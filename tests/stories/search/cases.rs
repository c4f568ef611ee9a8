//! One table of cases: what is stored, and by what it is found or is not.

use serde_json::{Value, json};

use super::{found, search, texts};
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::World;

stories!(World: words_are_found_by_what_people_type, nothing_that_is_typed_is_a_fault);

/// A text, by what it is found, and by what it is not.
type Case = (&'static str, &'static [&'static str], &'static [&'static str]);

const CASES: &[Case] = &[
    (
        "Сколько стоит доставка в Казань?",
        &[
            "доставку",
            "ДОСТАВКИ",
            "доста",
            "доставко*",
            "казани",
            "«стоит доставка»",
            "\"стоят доставки\"",
            "казань доставка",
        ],
        &["\"доставка стоит\"", "доставщик", "доста казань"],
    ),
    ("Алёна купила ёлку, всё ещё жду", &["алена", "АЛЁНА", "елка", "ёлкой", "еще", "все ещё"], &["ель"]),
    (
        "The deliveries were running late",
        &["delivery", "run", "runni", "LATE", "\"running late\""],
        &["ran", "\"late running\""],
    ),
    (
        "Заказ ORDER-1042 доставлен, iPhone 15 Pro",
        &["1042", "order 1042", "\"order-1042\"", "заказы iphone", "iphone 15", "order-10"],
        &["104 доставлен", "10421"],
    ),
    ("iPhone13 и Х5", &["iphone13", "iphone", "13", "х5", "iPhone1"], &["iphone15"]),
    (
        "Звоните +7 (916) 123-45-67",
        &[
            "89161234567",
            "9161234567",
            "8 916 123 45 67",
            "+7-916-123-4567",
            "123-45-67",
            "1234567",
            "+7916123",
            "8916123",
        ],
        &["9161234568", "89161234568"],
    ),
    ("8(495)7654321 и 000-00-00", &["+7 495 765-43-21", "84957654321", "000-00-00"], &["+7 495 765-43-22"]),
    ("Сумма 1 000 000 рублей, скидка 1999.90", &["1000000", "1 000 000", "1999.90", "1999,90"], &["10000001"]),
    ("не то, не это; to be or not to be", &["не", "не то", "to be", "\"to be or not\""], &["\"not or\""]),
    ("и\u{306}од, ﬁne, １２, café", &["йод", "fine", "12", "cafe"], &["иод"]),
    ("Ответьте NEAR(вход) OR -выход", &["near", "вход", "-выход", "or"], &["\"выход вход\""]),
    (
        "Письмо на ivan.petrov@example.com и https://example.com/path?q=1",
        &["ivan.petrov@example.com", "petrov", "example.com/path"],
        &["petrova "],
    ),
    (
        "Большая скидка на письмо, звонок и окно: купить за день, деньги сразу",
        &["скидок ", "писем ", "звонки ", "окон ", "куплю ", "дней ", "денег ", "\"большие скидки\""],
        &["скидочный "],
    ),
    ("iPhone14 256gb, 1000000 рублей за 50 штук", &["iphone 14 256", "1 000 000 50", "1 000 000 50 "], &["14 257"]),
    ("Подойдите к ней", &["ней ", "подойдите к ней "], &["не "]),
    ("Пре\u{ad}мия за авто\u{200b}мат", &["премию ", "автоматы "], &["мия ", "мат "]),
    (
        "Мой номер 7 (000) 514-30-92",
        &["+7 (000) 51", "+7 (000) 514-3", "+7 (000) 514-30-9", "8 000 514-30", "514-30-9"],
        &["+7 (000) 514-4", "+7 (000) 514-31-9"],
    ),
    ("中文消息 ελληνικά", &["中文消息", "ελλην"], &["消"]),
];

async fn words_are_found_by_what_people_type(world: World) {
    let channel = world.connect_channel("Shop").await;
    let anna = Person::new(7_001);
    for (text, ..) in CASES {
        world.take(&channel, &anna.says(text)).await;
    }
    let mut wrong = Vec::new();
    for (text, by, not_by) in CASES {
        for asked in *by {
            if !found(&world, asked).await.contains(&(*text).to_owned()) {
                wrong.push(format!("{asked:?} does not find {text:?}"));
            }
        }
        for asked in *not_by {
            if found(&world, asked).await.contains(&(*text).to_owned()) {
                wrong.push(format!("{asked:?} finds {text:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let answer = search(&world.admin.api, json!({ "text": "доставку" })).await;
    let snippet = answer.at("searchMessages.edges.0.snippet");
    assert_eq!(snippet, "Сколько стоит <mark>доставка</mark> в Казань?");
}

async fn nothing_that_is_typed_is_a_fault(world: World) {
    let channel = world.connect_channel("Shop").await;
    world.take(&channel, &Person::new(7_011).says("It's a <b>bold</b> \"text\" \\ with % and _")).await;
    let long = "long ".repeat(2_000);
    let many = "\"".repeat(1_000);
    for refused in ["", " ", "🙂🙂", "\"\"", "***", "\0", "«»", long.as_str(), many.as_str()] {
        let answer = search(&world.admin.api, json!({ "text": refused })).await;
        assert_eq!((answer.error_code(), answer.error_field()), ("BAD_USER_INPUT", Some("text")), "{refused:?}");
    }
    for odd in [
        "NEAR",
        "AND",
        "a AND",
        "OR b",
        "NOT bold",
        "NEAR(a b, 3)",
        "bold:text",
        "^bold",
        "{stems}: bold",
        "(",
        "bold)",
        "-bold",
        "'",
        "it's",
        "\\bold",
        "bold\0text",
        "%",
        "_ bold",
        "; DROP TABLE messages; --",
        "$$bold$$",
        "$1",
        "?1",
        "bold\"",
        "\"bold",
        "a:*",
        "bold | text",
        "bold & text",
        "!bold",
        "bold <-> text",
        "<mark>",
        "&lt;b&gt;",
    ] {
        let answer = search(&world.admin.api, json!({ "text": odd })).await;
        let is_page = answer.errors().is_empty();
        assert!(is_page || answer.error_code() == "BAD_USER_INPUT", "{odd:?}: {answer}");
    }
    let hit = search(&world.admin.api, json!({ "text": "bold" })).await;
    let snippet = "It&#39;s a &lt;b&gt;<mark>bold</mark>&lt;/b&gt; &quot;text&quot; \\ with % and _";
    assert_eq!(hit.at("searchMessages.edges.0.snippet"), snippet);

    let range = json!({ "from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z" });
    let answer = search(&world.admin.api, json!({ "text": "bold", "at": range })).await;
    assert_eq!((answer.error_code(), answer.error_field()), ("BAD_USER_INPUT", Some("createdAt")));
    for unknown in
        [json!({ "dialogueIds": ["dlg_00000000000000000000000000000000"] }), json!({ "tagIds": ["nonsense"] })]
    {
        let answer = search(&world.admin.api, json!({ "text": "bold", "filter": unknown })).await;
        assert!(texts(&answer).is_empty());
    }
    for (field, value) in
        [("first", json!(0)), ("first", json!(101)), ("after", json!("nonsense")), ("after", Value::from(""))]
    {
        let answer = search(&world.admin.api, json!({ "text": "bold", field: value })).await;
        assert_eq!((answer.error_code(), answer.error_field()), ("BAD_USER_INPUT", Some(field)), "{field}: {value}");
    }
}
