//! What an account does at the same time, in one task of tokio: each of its own costs 0.3 kB, and a
//! process may have ten thousand accounts.
//!
//! ```text
//!   Tasks::spawn ──> added ──> Runner: one task of tokio ── polls those that were woken, and no other
//!                                ^
//!   a waker of each future ── woken (its number) ──┘
//! ```
//!
//! In: futures. Out: each is polled when it has been woken, until it has ended or is aborted; one
//! that panics ends alone, as a task of tokio does. The task ends when nothing is left to do, and
//! begins again with the next future.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// How often at most it is looked for what was woken meanwhile before other tasks have their turn.
const ROUNDS: usize = 4;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The futures of an account. Cheap to clone.
#[derive(Clone)]
pub(super) struct Tasks(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The task's, while it waits for any of them.
    waker: Option<Waker>,
    is_running: bool,
    next: u64,
    added: Vec<Child>,
    woken: Vec<u64>,
    /// Groups that are to end.
    aborted: Vec<u64>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is to be done, and wakes the task for that.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let waker = state.waker.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }
}

/// A future, and what wakes it.
struct Child {
    group: u64,
    work: Work,
    alarm: Arc<Alarm>,
}

/// Wakes one future.
struct Alarm {
    number: u64,
    is_woken: AtomicBool,
    shared: Arc<Shared>,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_woken.swap(true, Ordering::AcqRel) {
            self.shared.change(|state| state.woken.push(self.number));
        }
    }
}

impl Tasks {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    /// Runs this beside the others.
    ///
    /// # Panics
    /// Outside a tokio runtime, if nothing is running.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> TaskHandle {
        let handle = self.handle();
        self.add(handle.number, Box::pin(work));
        handle
    }

    fn handle(&self) -> TaskHandle {
        TaskHandle { number: self.number(), tasks: self.clone() }
    }

    fn number(&self) -> u64 {
        let mut state = self.0.lock();
        state.next += 1;
        state.next
    }

    fn add(&self, group: u64, work: Work) {
        let number = self.number();
        // It is to be polled, and woken only after that.
        let alarm = Arc::new(Alarm { number, is_woken: AtomicBool::new(true), shared: self.0.clone() });
        let child = Child { group, work, alarm };
        if !std::mem::replace(&mut self.0.lock().is_running, true) {
            let (children, due) = (vec![child], vec![number]);
            tokio::spawn(Runner { shared: self.0.clone(), children, due, has_ended: false });
            return;
        }
        self.0.change(|state| {
            state.woken.push(number);
            state.added.push(child);
        });
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tasks")
    }
}

/// Aborts what was spawned by it. It goes on if this is dropped.
#[derive(Debug)]
pub(super) struct TaskHandle {
    number: u64,
    tasks: Tasks,
}

impl TaskHandle {
    /// What belongs to it is dropped soon; what has ended is not affected.
    pub(super) fn abort(&self) {
        self.tasks.0.change(|state| {
            if state.is_running {
                state.aborted.push(self.number);
            }
        });
    }
}

/// Futures that end with this.
pub(super) struct TaskGroup(TaskHandle);

impl TaskGroup {
    pub(super) fn new(tasks: &Tasks) -> Self {
        Self(tasks.handle())
    }

    /// Runs this beside the others.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.tasks.add(self.0.number, Box::pin(work));
    }
}

impl Drop for TaskGroup {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The one task.
struct Runner {
    shared: Arc<Shared>,
    children: Vec<Child>,
    /// Those that are to be polled.
    due: Vec<u64>,
    /// Nothing is left to do: what comes now is another one's.
    has_ended: bool,
}

impl Runner {
    /// Takes what has come since the last time. Whether nothing is to be done now.
    fn take(&mut self, cx: &Context<'_>) -> bool {
        let mut state = self.shared.lock();
        self.children.reserve_exact(state.added.len());
        self.children.append(&mut std::mem::take(&mut state.added));
        self.due.append(&mut state.woken);
        let aborted = std::mem::take(&mut state.aborted);
        if self.due.is_empty() && aborted.is_empty() {
            self.has_ended = self.children.is_empty();
            state.is_running = !self.has_ended;
            state.waker = state.is_running.then(|| cx.waker().clone());
            return true;
        }
        // While they are polled this task has no need to be woken: it looks here before it waits.
        drop(state);
        let is_aborted = |child: &mut Child| aborted.contains(&child.group);
        // They are dropped without the lock, since they may spawn, wake and abort others.
        let ended: Vec<Child> = self.children.extract_if(.., is_aborted).collect();
        drop(ended);
        false
    }

    fn poll_due(&mut self) {
        let mut due = std::mem::take(&mut self.due);
        for number in due.drain(..) {
            let Some(at) = self.children.iter().position(|child| child.alarm.number == number) else {
                continue;
            };
            let child = &mut self.children[at];
            child.alarm.is_woken.store(false, Ordering::Release);
            let waker = Waker::from(child.alarm.clone());
            let mut cx = Context::from_waker(&waker);
            let work = child.work.as_mut();
            // One that panics ends as if it had a task of its own.
            let has_ended = catch_unwind(AssertUnwindSafe(|| work.poll(&mut cx).is_ready())).unwrap_or(true);
            if has_ended {
                drop(self.children.remove(at));
            }
        }
        self.due = due;
    }
}

impl Future for Runner {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        // First what it began with.
        this.poll_due();
        for _ in 0..ROUNDS {
            if this.take(cx) {
                return if this.has_ended { Poll::Ready(()) } else { Poll::Pending };
            }
            this.poll_due();
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        // Else the runtime ends: what they spawn by that is not run.
        while !self.has_ended {
            self.children.clear();
            let mut state = self.shared.lock();
            self.children.append(&mut state.added);
            self.has_ended = self.children.is_empty();
            if self.has_ended {
                *state = State { next: state.next, ..State::default() };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    use tokio::sync::{mpsc, oneshot};
    use tokio::time::{sleep, timeout};

    use super::*;

    /// Sends when it is dropped.
    struct Farewell(Option<oneshot::Sender<()>>);

    impl Drop for Farewell {
        fn drop(&mut self) {
            _ = self.0.take().map(|gone| gone.send(()));
        }
    }

    /// Work without an end, and what resolves when it is dropped.
    fn endless() -> (impl Future<Output = ()> + Send, oneshot::Receiver<()>) {
        let (gone, is_gone) = oneshot::channel();
        let farewell = Farewell(Some(gone));
        let work = async move {
            let _farewell = farewell;
            std::future::pending().await
        };
        (work, is_gone)
    }

    async fn in_time<T>(what: impl Future<Output = T>) -> T {
        timeout(Duration::from_secs(60), what).await.expect("in time")
    }

    /// From many threads, each with channels between them.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn all_come_to_their_end_whoever_wakes_them() {
        let (tasks, ended) = (Tasks::new(), Arc::new(AtomicUsize::new(0)));
        for round in 0..50 {
            let mut ends = Vec::new();
            for _ in 0..20 {
                let (to_child, mut from_here) = mpsc::channel::<u32>(1);
                let (to_here, mut from_child) = mpsc::channel::<u32>(1);
                let count = ended.clone();
                tasks.spawn(async move {
                    while let Some(number) = from_here.recv().await {
                        tokio::task::yield_now().await;
                        assert!(to_here.send(number + 1).await.is_ok(), "it is read");
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                });
                ends.push(tokio::spawn(async move {
                    for number in 0..20 {
                        to_child.send(number).await.expect("it is there");
                        assert_eq!(from_child.recv().await, Some(number + 1));
                    }
                    drop(to_child);
                    assert_eq!(from_child.recv().await, None);
                }));
            }
            for end in ends {
                in_time(end).await.expect("no panic");
            }
            assert_eq!(ended.load(Ordering::Relaxed), 20 * (round + 1));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_task_ends_with_the_last_and_begins_again() {
        let tasks = Tasks::new();
        for _ in 0..3 {
            let (done, is_done) = oneshot::channel();
            let more = tasks.clone();
            tasks.spawn(async move {
                sleep(Duration::from_secs(1)).await;
                // One that is spawned within another, which ends by that.
                more.spawn(async move {
                    sleep(Duration::from_secs(1)).await;
                    _ = done.send(());
                });
            });
            assert!(tasks.0.lock().is_running);
            in_time(is_done).await.expect("it has ended well");
            sleep(Duration::from_millis(1)).await;
            assert!(!tasks.0.lock().is_running);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_aborted_is_dropped_and_no_other() {
        let tasks = Tasks::new();
        let ((one, one_gone), (two, two_gone), (three, mut three_gone)) = (endless(), endless(), endless());
        let (handle, group) = (tasks.spawn(one), TaskGroup::new(&tasks));
        group.spawn(two);
        drop(tasks.spawn(three));
        sleep(Duration::from_secs(1)).await;
        handle.abort();
        in_time(one_gone).await.expect("it is dropped");
        drop(group);
        in_time(two_gone).await.expect("it is dropped");
        sleep(Duration::from_secs(1)).await;
        assert!(three_gone.try_recv().is_err(), "it goes on without its handle");
        handle.abort();
        // Before it was polled, too.
        let (four, four_gone) = endless();
        tasks.spawn(four).abort();
        in_time(four_gone).await.expect("it is dropped");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_panics_ends_alone() {
        let tasks = Tasks::new();
        let (other, mut gone) = endless();
        tasks.spawn(other);
        let (work, has_panicked) = endless();
        tasks.spawn(async move {
            tokio::select! {
                () = work => {}
                () = sleep(Duration::from_secs(1)) => panic!("as a program's own code may"),
            }
        });
        in_time(has_panicked).await.expect("what it had is dropped");
        sleep(Duration::from_secs(1)).await;
        assert!(gone.try_recv().is_err());
        let (done, is_done) = oneshot::channel();
        tasks.spawn(async move { _ = done.send(()) });
        in_time(is_done).await.expect("the others go on");
    }

    /// One that is always woken leaves the thread to other tasks, and the others of the account.
    #[tokio::test(start_paused = true)]
    async fn who_is_busy_holds_up_no_one() {
        let tasks = Tasks::new();
        tasks.spawn(std::future::poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::Pending
        }));
        let (done, is_done) = oneshot::channel();
        tasks.spawn(async move {
            tokio::task::yield_now().await;
            _ = done.send(());
        });
        is_done.await.expect("it has its turn");
        tokio::spawn(tokio::task::yield_now()).await.expect("so have others");
    }

    #[test]
    fn all_ends_with_the_runtime() {
        let tasks = Tasks::new();
        let (work, mut gone) = endless();
        let runtime = || tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let first = runtime();
        let again = tasks.clone();
        let farewell = async move {
            let _spawns = SpawnsWhenDropped(again);
            work.await;
        };
        first.block_on(async { drop(tasks.spawn(farewell)) });
        drop(first);
        assert_eq!(gone.try_recv(), Ok(()));
        // And begins with another one.
        runtime().block_on(async {
            let (done, is_done) = oneshot::channel();
            tasks.spawn(async move { _ = done.send(()) });
            is_done.await.expect("it runs");
        });
    }

    struct SpawnsWhenDropped(Tasks);

    impl Drop for SpawnsWhenDropped {
        fn drop(&mut self) {
            self.0.spawn(std::future::pending());
        }
    }
}
