//! What members, labels and the Lease were seen to say, and what that proves.
//!
//! Nothing in here knows how the product works inside: it judges by what users see.
//!
//! ```
//! use std::time::Duration;
//! use history::{Answer, Judge, Said};
//!
//! let at = Duration::from_millis;
//! let mut judge = Judge::default();
//! let goose = |member: &str, term, asked, answered| Answer {
//!     member: member.into(),
//!     pod: member.into(),
//!     said: Said::Goose { term },
//!     asked: at(asked),
//!     answered: at(answered),
//! };
//! assert!(judge.hear(&goose("a", 1, 0, 2)).is_empty());
//! assert!(judge.hear(&goose("b", 2, 5, 7)).is_empty(), "a may have stopped at 4");
//! assert_eq!(judge.hear(&goose("a", 1, 10, 12)).len(), 1, "it had not");
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`answer`] | one question to one member, and what came back |
//! | [`reign`] | how long a member was Goose, as far as that is certain |
//! | [`judge()`] | whether answers prove that there were two Geese |
//! | [`labels`] | role labels, and whether two pods ever had the Goose's |
//! | [`lease`] | what the Lease said |
//! | [`takings`] | whether the Lease's versions, and the labels, keep the rules |
//! | [`whole`] | all of that over one observation, and what can be measured in it |
//! | [`excerpt`] | the part of it that a person wants to read |

pub mod answer;
pub mod excerpt;
pub mod judge;
pub mod labels;
pub mod lease;
mod nanoseconds;
pub mod reign;
pub mod takings;
pub mod whole;

pub use self::answer::{Answer, Said};
pub use self::judge::{Fault, Judge, Proof, judge};
pub use self::labels::{Label, LabelJudge, LabelSeen, TwoLabels};
pub use self::lease::{LeaseSeen, LeaseState};
pub use self::reign::{Reign, Span};
pub use self::takings::{Breach, Rule};
pub use self::whole::{Gap, History, Verdict};
