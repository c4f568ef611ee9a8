//! What an operator's page and an integrator ask.

/// A page of the list with all that an operator's page shows of it; `$filter`, `$order` and the place are the question's.
pub const PAGE: &str = "query($filter: DialogueFilter, $order: DialogueOrder, $first: Int, $after: String, $last: Int, $before: String) {
  dialogues(filter: $filter, orderBy: $order, first: $first, after: $after, last: $last, before: $before) {
    nodes {
      id state lastActivityAt unreadCount
      client { id name username }
      channel { id kind name }
      participants { role user { id name } }
      tags { id name color }
      lastMessage { id origin text createdAt author { ... on Client { id name } ... on User { id name } } delivery { status } }
    }
    pageInfo { hasNextPage }
  }
}";

/// How many there are.
pub const TOTAL: &str = "query($filter: DialogueFilter) { dialogues(filter: $filter, first: 1) { totalCount } }";

/// The counters of the groups.
pub const COUNTERS: &str = "{ inbox { mine { count unreadCount } unassigned { count unreadCount }
  others { count unreadCount } closed { count unreadCount } } }";

/// Where a dialogue stands in the list, whoever else is in it.
pub const PLACE: &str = "query($filter: DialogueFilter, $order: DialogueOrder) {
  dialogues(filter: $filter, orderBy: $order, first: 1) { edges { cursor } } }";

/// A page of results.
pub const SEARCH: &str = "query($text: String!, $filter: DialogueFilter, $createdAt: DateTimeRange, $after: String) {
  searchMessages(text: $text, filter: $filter, createdAt: $createdAt, first: 50, after: $after) {
    edges { cursor snippet node { id text createdAt dialogue { id client { id name } } } }
    pageInfo { hasNextPage endCursor }
  }
}";

/// The groups of the list, and what the yardstick calls them.
pub const GROUPS: [(&str, &str); 4] =
    [("MINE", "mine"), ("UNASSIGNED", "unassigned"), ("OTHERS", "others"), ("CLOSED", "closed")];
