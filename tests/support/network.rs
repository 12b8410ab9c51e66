//! A network that a test breaks: each request meets the next fault, or reaches the collector.

use std::collections::VecDeque;
use std::sync::Mutex;

use jalon::{Done, Lane, Request, Response, SendError, Transport};

use super::ModelCollector;

/// More than any test here needs. With a clock that stands still, a phone that repeats a request
/// would never stop.
const REQUESTS_MAX: usize = 50_000;

/// What happens to a request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Nothing: it reaches the collector, and the answer comes back.
    None,
    /// It is lost on the way.
    LostRequest(SendError),
    /// The collector has it, and the answer is lost.
    LostReply(SendError),
    /// It arrives twice, and the second answer comes back.
    Repeated,
    /// It arrives late: after the next request of its lane; the answer is lost.
    Delayed,
    /// Something else answers instead of the collector.
    Answered(Response),
    /// It is under way until the test releases it, which then reaches the collector.
    Held,
    /// The transport forgets it.
    Forgotten,
}

#[derive(Default)]
pub struct TestNetwork {
    state: Mutex<State>,
    watch: Mutex<Option<Watch>>,
}

type Watch = Box<dyn FnMut(&Request) + Send>;

#[derive(Default)]
struct State {
    collector: ModelCollector,
    /// For the next requests, in their order; then `default`.
    faults: VecDeque<Fault>,
    default: Option<Fault>,
    sent: Vec<(Lane, Request)>,
    held: Vec<(Lane, Request, Done)>,
    delayed: Vec<Request>,
}

impl TestNetwork {
    /// Has `watch` look at each request as it is handed over, before anything happens to it.
    pub fn watch(&self, watch: impl FnMut(&Request) + Send + 'static) {
        *self.watch.lock().unwrap() = Some(Box::new(watch));
    }

    /// Looks at the collector, or changes it.
    pub fn collector<T>(&self, look: impl FnOnce(&mut ModelCollector) -> T) -> T {
        look(&mut self.state.lock().unwrap().collector)
    }

    /// The faults that the next requests meet, in their order.
    pub fn next_faults(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state.lock().unwrap().faults.extend(faults);
    }

    /// What every further request meets.
    pub fn every_request(&self, fault: Fault) {
        self.state.lock().unwrap().default = Some(fault);
    }

    pub fn offline(&self) {
        self.every_request(Fault::LostRequest(SendError::Connect));
    }

    pub fn online(&self) {
        let mut state = self.state.lock().unwrap();
        state.default = None;
        state.faults.clear();
    }

    /// Every request so far.
    pub fn sent(&self) -> Vec<(Lane, Request)> {
        self.state.lock().unwrap().sent.clone()
    }

    pub fn held(&self) -> usize {
        self.state.lock().unwrap().held.len()
    }

    /// Lets what is held reach the collector, in its order.
    pub fn release(&self) {
        let held = std::mem::take(&mut self.state.lock().unwrap().held);
        for (_, request, done) in held {
            let response = self.state.lock().unwrap().collector.answer(&request);
            done.call(Ok(response));
        }
    }

    /// Lets what is held fail: it never reached the collector.
    pub fn fail_held(&self, error: SendError) {
        let held = std::mem::take(&mut self.state.lock().unwrap().held);
        for (_, _, done) in held {
            done.call(Err(error));
        }
    }
}

impl Transport for TestNetwork {
    fn send(&self, lane: Lane, request: Request, done: Done) {
        if let Some(watch) = self.watch.lock().unwrap().as_mut() {
            watch(&request);
        }
        let mut state = self.state.lock().unwrap();
        state.sent.push((lane, request.clone()));
        assert!(state.sent.len() < REQUESTS_MAX, "the same is sent over and over");
        let overdue: Vec<Request> = std::mem::take(&mut state.delayed);
        let fault = state.faults.pop_front().or_else(|| state.default.clone());
        let outcome = match fault.unwrap_or(Fault::None) {
            Fault::None => Some(Ok(state.collector.answer(&request))),
            Fault::LostRequest(error) => Some(Err(error)),
            Fault::LostReply(error) => {
                state.collector.answer(&request);
                Some(Err(error))
            }
            Fault::Repeated => {
                state.collector.answer(&request);
                Some(Ok(state.collector.answer(&request)))
            }
            Fault::Delayed => {
                state.delayed.push(request);
                Some(Err(SendError::Timeout))
            }
            Fault::Answered(response) => Some(Ok(response)),
            Fault::Held => {
                state.held.push((lane, request, done));
                return;
            }
            Fault::Forgotten => None,
        };
        for request in overdue {
            state.collector.answer(&request);
        }
        drop(state);
        if let Some(outcome) = outcome {
            done.call(outcome);
        }
    }
}
