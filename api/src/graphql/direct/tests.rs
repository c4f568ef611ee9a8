//! Whatever is asked of an object, it answers as async-graphql's own way does, errors and their paths included.

use async_graphql::{EmptyMutation, EmptySubscription, Request, Schema, Variables};
use serde_json::{Value, json};

use super::Direct;

type Bare<T> = T;

/// The same schema, `$show` around its objects.
macro_rules! schema {
    ($module:ident, $shown:ident, $show:expr) => {
        mod $module {
            use async_graphql::{Interface, Object, Result, Union};
            use tokio::task::yield_now;

            type Shown<T> = super::$shown<T>;

            std::thread_local! {
                static ASKED: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
            }

            #[derive(Clone, Copy)]
            pub struct Thing(u32);

            #[Object]
            impl Thing {
                async fn id(&self) -> u32 {
                    self.0
                }

                async fn times(&self, by: u32) -> u32 {
                    self.0 * by
                }

                async fn nothing(&self) -> Option<u32> {
                    None
                }

                async fn slow(&self) -> u32 {
                    yield_now().await;
                    self.0 + 1
                }

                async fn slow_numbers(&self) -> Vec<u32> {
                    yield_now().await;
                    vec![self.0; 2]
                }

                async fn wrong(&self) -> Result<u32> {
                    Err(format!("{} is wrong", self.0).into())
                }

                async fn late_and_wrong(&self) -> Result<u32> {
                    yield_now().await;
                    Err(format!("{} is late and wrong", self.0).into())
                }

                async fn next(&self) -> Shown<Thing> {
                    $show(Thing(self.0 + 1))
                }

                async fn later(&self) -> Option<Shown<Thing>> {
                    yield_now().await;
                    Some($show(Thing(self.0 + 10)))
                }

                async fn all(&self) -> Vec<Shown<Thing>> {
                    (0..40).map(|n| $show(Thing(self.0 * 3 + n))).collect()
                }

                async fn either(&self) -> Shown<Either> {
                    $show(Either::Thing(*self))
                }

                async fn numbered(&self) -> Shown<Numbered> {
                    $show(Numbered::Thing(*self))
                }

                async fn several(&self) -> Shown<Several> {
                    $show(Several(vec![$show(Numbered::Thing(*self))]))
                }

                /// How often it was asked for this.
                async fn times_asked(&self) -> u32 {
                    ASKED.with(|asked| {
                        asked.set(asked.get() + 1);
                        asked.get()
                    })
                }
            }

            /// As a connection gives its nodes.
            pub struct Several(Vec<Shown<Numbered>>);

            #[Object]
            impl Several {
                async fn nodes(&self) -> Vec<&Shown<Numbered>> {
                    self.0.iter().collect()
                }
            }

            #[derive(Union)]
            pub enum Either {
                Thing(Thing),
            }

            #[derive(Interface)]
            #[graphql(field(name = "id", ty = "u32"))]
            pub enum Numbered {
                Thing(Thing),
            }

            pub struct Query;

            #[Object]
            impl Query {
                async fn thing(&self) -> Shown<Thing> {
                    $show(Thing(1))
                }

                async fn perhaps(&self) -> Option<Shown<Thing>> {
                    Some($show(Thing(2)))
                }
            }
        }
    };
}

schema!(bare, Bare, std::convert::identity);
schema!(wrapped, Direct, super::Direct);

/// What both answer to the same, which has to be one.
async fn answer(document: &str) -> Value {
    let request = || Request::new(document).variables(Variables::from_json(json!({ "no": false, "yes": true })));
    let bare = Schema::new(bare::Query, EmptyMutation, EmptySubscription).execute(request()).await;
    let wrapped = Schema::new(wrapped::Query, EmptyMutation, EmptySubscription).execute(request()).await;
    let told = |response| serde_json::to_string(&response).expect("a response is JSON");
    let (bare, wrapped) = (told(bare), told(wrapped));
    // As text: the order of the fields counts.
    assert_eq!(wrapped, bare, "{document}");
    serde_json::from_str(&wrapped).expect("it was JSON")
}

#[tokio::test]
async fn fields_come_in_their_order_whether_they_wait_or_not() {
    let all = "{ thing { slow id later { slow id slowNumbers next { slow } } times(by: 3) nothing t: __typename two: times(by: 2) } }";
    let expected = json!({ "thing": {
        "slow": 2, "id": 1, "later": { "slow": 12, "id": 11, "slowNumbers": [11, 11], "next": { "slow": 13 } },
        "times": 3, "nothing": null, "t": "Thing", "two": 2,
    } });
    assert_eq!(answer(all).await["data"], expected);
    let many = answer("{ thing { all { id slow all { id } next { later { id } } } } }").await;
    assert_eq!(many["data"]["thing"]["all"][39], {
        let inner: Vec<Value> = (0..40).map(|n| json!({ "id": 42 * 3 + n })).collect();
        json!({ "id": 42, "slow": 43, "all": inner, "next": { "later": { "id": 53 } } })
    });
}

#[tokio::test]
async fn fragments_are_merged() {
    let same = "{ thing { id ...F ... { slow id } ... on Thing { nothing } } } fragment F on Thing { id times(by: 4) }";
    assert_eq!(answer(same).await["data"]["thing"], json!({ "id": 1, "times": 4, "slow": 2, "nothing": null }));
    let objects =
        "{ thing { next { id } ...F } } fragment F on Thing { next { slow } all { id } next { later { id } } }";
    let next = json!({ "id": 2, "slow": 3, "later": { "id": 12 } });
    assert_eq!(answer(objects).await["data"]["thing"]["next"], next);
    let abstractly = "{ thing { either { __typename ... on Thing { id later { id } } } numbered { id ... on Thing { slow } } ... on Numbered { id } ...N } }
        fragment N on Numbered { id }";
    let thing = &answer(abstractly).await["data"]["thing"];
    assert_eq!(thing["either"], json!({ "__typename": "Thing", "id": 1, "later": { "id": 11 } }));
    assert_eq!((&thing["numbered"], &thing["id"]), (&json!({ "id": 1, "slow": 2 }), &json!(1)));
}

#[tokio::test]
async fn an_interface_says_which_type_it_is_of() {
    let document = "{ thing { several { nodes { __typename id ... on Thing { slow } } } numbered { __typename } } }";
    let thing = &answer(document).await["data"]["thing"];
    assert_eq!(thing["several"]["nodes"], json!([{ "__typename": "Thing", "id": 1, "slow": 2 }]));
    assert_eq!(thing["numbered"]["__typename"], "Thing");
}

#[tokio::test]
async fn nothing_is_resolved_twice() {
    let document = "{ thing { timesAsked next { id } next { slow } } }";
    assert_eq!(answer(document).await["data"]["thing"]["timesAsked"], 1);
}

#[tokio::test]
async fn what_is_left_out_is_left_out() {
    let document = "query($yes: Boolean!, $no: Boolean!) { thing { id @skip(if: $yes) slow @include(if: $yes)
        next @include(if: $no) { id } ... @skip(if: $yes) { nothing } all { id } } }";
    let thing = &answer(document).await["data"]["thing"];
    let keys: Vec<&String> = thing.as_object().expect("a thing").keys().collect();
    assert_eq!(keys, ["all", "slow"]);
}

#[tokio::test]
async fn errors_go_up_to_what_may_be_null() {
    for document in [
        "{ thing { id wrong } }",
        "{ thing { lateAndWrong id } }",
        "{ perhaps { next { wrong } } thing { id } }",
        "{ thing { later { all { id lateAndWrong } } id } }",
        "{ thing { later { next { slow wrong } } next { id } } }",
        "{ thing { either { ... on Thing { wrong } } } }",
    ] {
        let told = answer(document).await;
        assert!(told["errors"][0]["message"].as_str().is_some_and(|words| words.contains("wrong")), "{told}");
        assert!(told["errors"][0]["path"].as_array().is_some_and(|path| path.len() >= 2), "{told}");
    }
    let told = answer("{ thing { id later { wrong } } }").await;
    assert_eq!(told["data"], json!({ "thing": { "id": 1, "later": null } }));
    assert_eq!(told["errors"][0]["path"], json!(["thing", "later", "wrong"]));
}
