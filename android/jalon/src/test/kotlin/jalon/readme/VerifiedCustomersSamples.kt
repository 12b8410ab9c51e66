// The Kotlin samples of docs/verified-customers.md, word for word; ReadmeTest compares the two.

package jalon.readme

import jalon.android.Journey

fun afterLogin(journey: Journey, customer: String, proofFor: (nonce: String) -> String) {
    val proof = journey.proofNonce()?.let(proofFor) // your backend signs it
    journey.identify(customer, proof)
}
