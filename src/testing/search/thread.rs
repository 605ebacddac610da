//! Threads of messages (RFC 5256 section 3): by subject, and by references as trees. REFS is
//! REFERENCES without what subjects have in common, and the thread with the newest message comes
//! last: an extension of Dovecot and others without an RFC.
//!
//! The steps of REFERENCES are numbered as there.

use std::collections::HashMap;

use super::Candidate;
use super::subject::base_subject;
use crate::types::Threads;

/// Which threads these messages make; `None` if the algorithm is unknown. `number`: what a message
/// is called in the answer.
pub(crate) fn threads(
    algorithm: &str,
    messages: &[&dyn Candidate],
    number: impl Fn(&dyn Candidate) -> u32,
) -> Option<Threads> {
    let mut forest = match algorithm {
        "ORDEREDSUBJECT" => by_subject(messages),
        "REFERENCES" => {
            let mut forest = by_references(messages);
            gather(&mut forest, messages);
            forest
        }
        "REFS" => by_references(messages),
        _ => return None,
    };
    forest.sort(messages);
    let mut roots = forest.roots();
    if algorithm == "REFS" {
        roots.sort_by_cached_key(|root| forest.newest(*root, messages));
    }
    let mut threads = Threads::default();
    let mut left: Vec<(usize, u32)> = roots.into_iter().rev().map(|root| (root, 0)).collect();
    while let Some((at, depth)) = left.pop() {
        let node = &forest.nodes[at];
        threads.push(depth, node.message.map_or(0, |message| number(messages[message])));
        left.extend(node.children.iter().rev().map(|child| (*child, depth + 1)));
    }
    Some(threads)
}

#[derive(Debug, Default)]
struct Node {
    /// The place of its message; `None` for one that is only referred to.
    message: Option<usize>,
    parent: Option<usize>,
    children: Vec<usize>,
    removed: bool,
}

#[derive(Debug, Default)]
struct Forest {
    nodes: Vec<Node>,
}

impl Forest {
    fn add(&mut self, message: Option<usize>) -> usize {
        self.nodes.push(Node { message, ..Node::default() });
        self.nodes.len() - 1
    }

    fn roots(&self) -> Vec<usize> {
        let is_root = |node: &Node| node.parent.is_none() && !node.removed;
        (0..self.nodes.len()).filter(|at| is_root(&self.nodes[*at])).collect()
    }

    /// Whether one is the other, or above it.
    fn is_above(&self, above: usize, mut at: usize) -> bool {
        while at != above {
            match self.nodes[at].parent {
                Some(parent) => at = parent,
                None => return false,
            }
        }
        true
    }

    /// Puts one below another, unless that would be a loop.
    fn link(&mut self, parent: usize, child: usize) {
        if self.is_above(child, parent) {
            return;
        }
        self.unlink(child);
        self.nodes[child].parent = Some(parent);
        self.nodes[parent].children.push(child);
    }

    fn unlink(&mut self, child: usize) {
        if let Some(parent) = self.nodes[child].parent.take() {
            self.nodes[parent].children.retain(|other| *other != child);
        }
    }

    /// When a message was sent, or the first one below; and its place.
    fn date(&self, mut at: usize, messages: &[&dyn Candidate]) -> (i64, usize) {
        loop {
            match (self.nodes[at].message, self.nodes[at].children.first()) {
                (Some(message), _) => return (sent(messages[message]), message),
                (None, Some(child)) => at = *child,
                (None, None) => return (0, 0),
            }
        }
    }

    /// When the newest message of a thread was sent.
    fn newest(&self, root: usize, messages: &[&dyn Candidate]) -> i64 {
        let (mut newest, mut left) = (i64::MIN, vec![root]);
        while let Some(at) = left.pop() {
            let node = &self.nodes[at];
            newest = newest.max(node.message.map_or(i64::MIN, |message| sent(messages[message])));
            left.extend(&node.children);
        }
        newest
    }

    /// (4) and (6): siblings by their dates, from the leaves up. Roots are kept in `nodes`' order,
    /// so they are rebuilt in theirs.
    fn sort(&mut self, messages: &[&dyn Candidate]) {
        let mut order = self.roots();
        let mut next = 0;
        while next < order.len() {
            order.extend(self.nodes[order[next]].children.iter().copied());
            next += 1;
        }
        for at in order.into_iter().rev() {
            let mut children = std::mem::take(&mut self.nodes[at].children);
            children.sort_by_key(|child| self.date(*child, messages));
            self.nodes[at].children = children;
        }
        let mut roots = self.roots();
        roots.sort_by_key(|root| self.date(*root, messages));
        // A new node for each root, in order; the old ones are removed.
        for root in roots {
            let old = std::mem::take(&mut self.nodes[root]);
            self.nodes[root].removed = true;
            let new = self.add(old.message);
            old.children.iter().for_each(|child| self.nodes[*child].parent = Some(new));
            self.nodes[new].children = old.children;
        }
    }
}

/// RFC 5256 section 2.2.
fn sent(message: &dyn Candidate) -> i64 {
    message.content().envelope().sent().unwrap_or(message.internal_date()).seconds()
}

fn subject(message: &dyn Candidate) -> String {
    message.content().fields(b"Subject").next().map(|subject| base_subject(&subject)).unwrap_or_default()
}

/// Whether its subject is that of a reply or a forward.
fn is_reply(message: &dyn Candidate) -> bool {
    let written = message.content().fields(b"Subject").next().unwrap_or_default();
    let plain = written.split_whitespace().collect::<Vec<_>>().join(" ");
    base_subject(&written) != plain
}

fn by_subject(messages: &[&dyn Candidate]) -> Forest {
    let mut order: Vec<usize> = (0..messages.len()).collect();
    order.sort_by_cached_key(|at| (subject(messages[*at]).to_uppercase(), sent(messages[*at]), *at));
    let mut forest = Forest::default();
    let mut first: Option<(String, usize)> = None;
    for at in order {
        let subject = subject(messages[at]).to_uppercase();
        let node = forest.add(Some(at));
        match &first {
            Some((known, root)) if *known == subject => forest.link(*root, node),
            _ => first = Some((subject, node)),
        }
    }
    forest
}

/// The identifiers in a field: what stands between angle brackets.
fn ids(message: &dyn Candidate, field: &[u8]) -> Vec<String> {
    let text: String = message.content().fields(field).collect::<Vec<_>>().join(" ");
    let inside = |part: &str| part.split_once('>').map(|(id, _)| id.split_whitespace().collect());
    text.split('<').skip(1).filter_map(inside).filter(|id: &String| !id.is_empty()).collect()
}

fn by_references(messages: &[&dyn Candidate]) -> Forest {
    let mut forest = Forest::default();
    let mut known: HashMap<String, usize> = HashMap::new();
    // (1)
    for (at, message) in messages.iter().enumerate() {
        let own = ids(*message, b"Message-ID").into_iter().next();
        let place = own.as_ref().and_then(|id| known.get(id)).copied();
        let node = match place.filter(|node| forest.nodes[*node].message.is_none()) {
            Some(node) => {
                forest.nodes[node].message = Some(at);
                node
            }
            // One without an identifier, or with that of another, has one of its own.
            None => {
                let node = forest.add(Some(at));
                if let Some(id) = own {
                    known.entry(id).or_insert(node);
                }
                node
            }
        };
        let mut references = ids(*message, b"References");
        if references.is_empty() {
            references.extend(ids(*message, b"In-Reply-To").into_iter().next());
        }
        let mut before = None;
        for id in references {
            let referred = *known.entry(id).or_insert_with(|| forest.add(None));
            if let Some(before) = before
                && forest.nodes[referred].parent.is_none()
            {
                forest.link(before, referred);
            }
            before = Some(referred);
        }
        if let Some(parent) = before {
            forest.link(parent, node);
        }
    }
    prune(&mut forest);
    forest
}

/// (3): without those that are only referred to, where they hold nothing together.
fn prune(forest: &mut Forest) {
    let mut order = forest.roots();
    let mut next = 0;
    while next < order.len() {
        order.extend(forest.nodes[order[next]].children.iter().copied());
        next += 1;
    }
    for at in order.into_iter().rev() {
        let node = &forest.nodes[at];
        let (parent, children) = (node.parent, node.children.clone());
        if node.message.is_some() || parent.is_none() && children.len() > 1 {
            continue;
        }
        forest.unlink(at);
        forest.nodes[at].removed = true;
        for child in children {
            forest.unlink(child);
            parent.into_iter().for_each(|parent| forest.link(parent, child));
        }
    }
}

/// (5): threads of one subject become one.
fn gather(forest: &mut Forest, messages: &[&dyn Candidate]) {
    forest.sort(messages);
    let roots = forest.roots();
    let first = |forest: &Forest, root: usize| {
        let node = &forest.nodes[root];
        node.message.or_else(|| forest.nodes[*node.children.first()?].message)
    };
    let named = |forest: &Forest, root: usize| {
        let subject = subject(messages[first(forest, root)?]).to_uppercase();
        (!subject.is_empty()).then_some(subject)
    };
    let replies = |forest: &Forest, root: usize| first(forest, root).is_some_and(|at| is_reply(messages[at]));
    let mut table: HashMap<String, usize> = HashMap::new();
    for root in roots.iter().copied() {
        let Some(subject) = named(forest, root) else { continue };
        let better = table.get(&subject).is_none_or(|other| {
            let (empty, other_empty) =
                (forest.nodes[root].message.is_none(), forest.nodes[*other].message.is_none());
            !other_empty && (empty || replies(forest, *other) && !replies(forest, root))
        });
        if better {
            table.insert(subject, root);
        }
    }
    for root in roots {
        let Some(subject) = named(forest, root) else { continue };
        let Some(other) = table.get(&subject).copied().filter(|other| *other != root) else { continue };
        let is_empty = |at: usize| forest.nodes[at].message.is_none();
        match (is_empty(other), is_empty(root)) {
            (true, true) => {
                for child in forest.nodes[root].children.clone() {
                    forest.link(other, child);
                }
                forest.nodes[root].removed = true;
            }
            (true, false) => forest.link(other, root),
            _ if replies(forest, root) && !replies(forest, other) => forest.link(other, root),
            _ => {
                let both = forest.add(None);
                forest.link(both, other);
                forest.link(both, root);
                table.insert(subject, both);
            }
        }
    }
}
