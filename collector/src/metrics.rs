//! The counters for the operator. No label ever names a customer, an installation, a key or a call.

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The counters of one collector.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    /// Requests answered, by route pattern and status.
    pub(crate) requests: Family<RequestLabels, Counter>,
    /// Events stored, repeats included.
    pub(crate) events: Counter,
    /// Events refused by name.
    pub(crate) rejected: Counter,
    /// Calls received.
    pub(crate) calls: Counter,
    /// Look-ups, by outcome.
    pub(crate) lookups: Family<LookUpLabels, Counter>,
    /// Proofs of identity, by outcome.
    pub(crate) proofs: Family<ProofLabels, Counter>,
    /// Live streams open.
    pub(crate) streams: Gauge,
}

/// The labels of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RequestLabels {
    /// The route's pattern.
    pub(crate) route: String,
    /// The status.
    pub(crate) status: u16,
}

/// The labels of a look-up.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct LookUpLabels {
    /// How it ended.
    pub(crate) outcome: LookUpOutcome,
}

/// The labels of a proof.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ProofLabels {
    /// How it was judged.
    pub(crate) outcome: ProofOutcome,
}

/// How a proof of identity was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ProofOutcome {
    /// The customer is verified.
    Accepted,
    /// Not verified; the log says why.
    Refused,
}

impl prometheus_client::encoding::EncodeLabelValue for ProofOutcome {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        use std::fmt::Write as _;
        encoder.write_str(match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
        })
    }
}

/// How a look-up ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum LookUpOutcome {
    /// A context was shown.
    Hit,
    /// Unknown, expired or claimed.
    Miss,
    /// Too many misses before it.
    Throttled,
}

impl prometheus_client::encoding::EncodeLabelValue for LookUpOutcome {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        use std::fmt::Write as _;
        encoder.write_str(match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Throttled => "throttled",
        })
    }
}

impl Metrics {
    /// All at zero, but for the dropped lines of the log, which are counted elsewhere.
    pub(crate) fn new(dropped_log_lines: Counter) -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("jalon"),
            requests: Family::default(),
            events: Counter::default(),
            rejected: Counter::default(),
            calls: Counter::default(),
            lookups: Family::default(),
            proofs: Family::default(),
            streams: Gauge::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("requests", "Requests answered", metrics.requests.clone());
        registry.register("events", "Events stored, repeats included", metrics.events.clone());
        registry.register("rejected", "Events refused by name", metrics.rejected.clone());
        registry.register("calls", "Calls received", metrics.calls.clone());
        registry.register("lookups", "Look-ups by outcome", metrics.lookups.clone());
        registry.register("proofs", "Proofs of identity by outcome", metrics.proofs.clone());
        registry.register("streams", "Live streams open", metrics.streams.clone());
        registry.register("log_lines_dropped", "Lines missing in the log", dropped_log_lines);
        metrics
    }

    /// The page that Prometheus reads.
    pub(crate) fn page(&self) -> String {
        let mut page = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut page, &self.registry);
        page
    }
}
