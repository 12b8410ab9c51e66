//! DTMF as it sounds (ITU-T Q.23, Q.24), in G.711 µ-law at 8 kHz.

use std::f64::consts::TAU;

const SAMPLES_PER_S: usize = 8_000;
/// A tone's length and the silence behind it: what a phone's dialer sends.
const TONE_MS: usize = 120;
const SILENCE_MS: usize = 100;
/// Each of the two frequencies: −9 dBm0 or so, a usual level.
const AMPLITUDE: f64 = 4_500.0;
/// µ-law's silence.
const SILENCE: u8 = 0xff;

/// The sound of these digits.
pub(crate) fn dial(digits: &str) -> Vec<u8> {
    let mut sound = Vec::new();
    for (low, high) in digits.chars().filter_map(frequencies) {
        sound.extend((0..TONE_MS * SAMPLES_PER_S / 1_000).map(|at| {
            let wave = |hertz: f64| (TAU * hertz * at as f64 / SAMPLES_PER_S as f64).sin();
            mu_law((AMPLITUDE * (wave(low) + wave(high))) as i32)
        }));
        sound.extend(std::iter::repeat_n(SILENCE, SILENCE_MS * SAMPLES_PER_S / 1_000));
    }
    sound
}

/// A voice's pitch, so long: what a greeting is to who listens for digits.
pub(crate) fn hum(seconds: usize) -> Vec<u8> {
    let wave = |at: usize| AMPLITUDE * (TAU * 180.0 * at as f64 / SAMPLES_PER_S as f64).sin();
    (0..seconds * SAMPLES_PER_S).map(|at| mu_law(wave(at) as i32)).collect()
}

fn frequencies(digit: char) -> Option<(f64, f64)> {
    const KEYS: [&str; 4] = ["123", "456", "789", "*0#"];
    const LOW: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
    const HIGH: [f64; 3] = [1_209.0, 1_336.0, 1_477.0];
    KEYS.iter().zip(LOW).find_map(|(row, low)| Some((low, HIGH[row.find(digit)?])))
}

/// G.711's µ-law of a 16-bit sample.
fn mu_law(sample: i32) -> u8 {
    const BIAS: i32 = 132;
    const LOUDEST: i32 = 32_635;
    let sign = if sample < 0 { 0x80 } else { 0 };
    let level = sample.abs().min(LOUDEST) + BIAS;
    // The position of the highest bit, 7 to 14, is the segment.
    let segment = 24 - level.leading_zeros() as i32;
    let step = (level >> (segment + 3)) & 0x0f;
    !(sign | (segment << 4) | step) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_those_of_g711() {
        assert_eq!([0, 1_000, -1_000, 32_635, -32_635].map(mu_law), [0xff, 0xce, 0x4e, 0x80, 0x00]);
    }

    #[test]
    fn a_digit_takes_a_tone_and_a_silence() {
        assert_eq!(dial("12").len(), 2 * (960 + 800));
        assert_eq!(dial("5")[960..], [SILENCE; 800]);
    }
}
