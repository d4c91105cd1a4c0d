//! Running steps and saying how they went.

use std::{fmt::Debug, future::Future, time::Duration};

pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Runs a step and prints its line for the runner; false when it failed.
pub async fn step(name: &str, work: impl Future<Output = Outcome>) -> bool {
    let outcome = match tokio::time::timeout(Duration::from_secs(60), work).await {
        Ok(outcome) => outcome,
        Err(_) => Err("not within 60 s".into()),
    };
    match outcome {
        Ok(()) => println!("{name}\tok\t"),
        Err(error) => {
            let words = error.to_string();
            println!("{name}\tfailed\t{}", words.split_whitespace().collect::<Vec<_>>().join(" "));
            return false;
        }
    }
    true
}

pub fn equal<T: PartialEq + Debug>(what: &str, got: T, wanted: T) -> Outcome {
    if got == wanted {
        return Ok(());
    }
    Err(format!("{what}: got {got:?}, want {wanted:?}").into())
}

/// The status that a request was refused with; 0 when it was not refused.
pub fn refusal<T>(result: kube::Result<T>) -> u16 {
    match result {
        Err(kube::Error::Api(status)) => status.code,
        Err(_) => 1,
        Ok(_) => 0,
    }
}

/// Asks again until the answer is yes; the step's own deadline ends it.
pub async fn eventually<F: Future<Output = bool>>(mut check: impl FnMut() -> F) {
    while !check().await {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
