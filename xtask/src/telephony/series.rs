//! Calls without faults: each must open the page of its own customer.

use anyhow::Result;

use super::calls::{Carrier, Made, Network, ten_at_a_time};
use super::collector::Collector;
use super::phones::{Phones, Tap};
use super::report::Row;
use super::verdict;

/// Makes so many calls by a carrier, ten at a time.
pub(crate) fn run(
    carrier: Carrier,
    count: usize,
    network: &Network<'_>,
    phones: &Phones,
    collector: &Collector,
) -> Result<Row> {
    let calls = ten_at_a_time(count, |_| {
        let tap = phones.tap()?;
        let made = network.call(carrier, &tap)?;
        let verdict = verdict::found(collector, &made, &tap).map(|_| ());
        let verdict = verdict.and_then(|()| passed_on(carrier, &made, &tap));
        Ok((tap, made, verdict))
    })?;
    let mut row = Row { name: carrier.name(), calls: count, ..Row::default() };
    for (tap, made, verdict) in &calls {
        row.reached += usize::from(made.arrival().is_some());
        match verdict {
            Ok(()) => row.resolved += 1,
            Err(error) => {
                let heard = if carrier.is_dialled() { heard(made, tap) } else { String::new() };
                row.wrong.push(format!("{}: {error:#}{heard}", tap.number));
            }
        }
        let heard = &made.heard;
        if let (true, Some(first), Some(last)) = (carrier.is_dialled(), heard.first, heard.last) {
            row.digits.push(last.saturating_sub(first));
        }
        let Some(arrival) = made.arrival() else { continue };
        let answered = if carrier.is_dialled() { heard.answered } else { Some(made.at) };
        row.to_desk.extend(answered.map(|from| arrival.at.saturating_sub(from)));
        if carrier.is_dialled() {
            row.look_up.extend(heard.last.map(|from| arrival.at.saturating_sub(from)));
        }
    }
    Ok(row)
}

/// A proxy hands on what is not its own, as it came.
fn passed_on(carrier: Carrier, made: &Made, tap: &Tap) -> Result<()> {
    let arrival = verdict::reached(made)?;
    let (name, came, sent) = match carrier {
        Carrier::Context => ("X-Jalon-Context", &arrival.context, &tap.token),
        Carrier::UserToUser => ("User-to-User", &arrival.user_to_user, &tap.user_to_user),
        _ => return Ok(()),
    };
    anyhow::ensure!(came.as_ref() == Some(sent), "{name} was not passed on as it came");
    Ok(())
}

/// Which of the digits came through.
fn heard(made: &Made, tap: &Tap) -> String {
    let digits = &made.heard.digits;
    if *digits == tap.code {
        " (all digits were heard)".to_owned()
    } else {
        format!(" (heard {digits} of {})", tap.code)
    }
}
