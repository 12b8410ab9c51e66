// Written by `cargo xtask bindings kotlin` from bindings/src: change it there.
@file:Suppress("RedundantVisibilityModifier")

package jalon.android

/** How much is logged. Never an event's content. */
public enum class LogLevel {
    /** Nothing. */
    OFF,

    /** Failures that lose events. */
    ERROR,

    /** Also what a developer should fix. */
    WARN,

    /** Also occasional notices. */
    INFO,

    /** Also every upload. */
    DEBUG,
}

/** What the customer lets a call carry. */
public enum class CallScope {
    /** The whole journey. */
    EVERYTHING,

    /**
     * Only the screen the call is made from: neither who calls nor what came before. Also offline,
     * since the code itself says so.
     */
    ONLY_THIS_SCREEN,

    /**
     * Nothing but the number: the call has no token and no code, and the collector is not told of
     * it.
     */
    ONLY_THE_NUMBER,
}

/** Why a call could not be given its context. */
internal sealed class JourneyError : Exception() {
    /** The number to call is not a phone number: 3 to 15 digits, with an optional leading `+`. */
    internal class PhoneNumber() : JourneyError() {
        override fun equals(other: Any?): Boolean =
            other is PhoneNumber

        override fun hashCode(): Int = "PhoneNumber".hashCode()
    }
}

/**
 * Something the customer did or saw, as the app records it.
 *
 * Texts are cut at their limit, and the event says which were. A blank text where one is required
 * makes the event invalid: it is dropped and counted, and the log says so once.
 */
public sealed class Event {
    /** A screen was shown. The SDK adds the previous screen and how long it was shown. */
    public class ScreenView(
        /** A route pattern, such as `product/{id}`: never a URL. At most 128 bytes. */
        public val screen: String,
    ) : Event() {
        override fun equals(other: Any?): Boolean =
            other is ScreenView &&
                screen == other.screen

        override fun hashCode(): Int = arrayOf<Any?>(screen).contentHashCode()
    }

    /** The customer looked at a product. */
    public class ProductView(
        /** The product. */
        public val product: jalon.android.Product,
    ) : Event() {
        override fun equals(other: Any?): Boolean =
            other is ProductView &&
                product == other.product

        override fun hashCode(): Int = arrayOf<Any?>(product).contentHashCode()
    }

    /** The customer searched. */
    public class Search @JvmOverloads constructor(
        /** What was typed; recorded only if the configuration allows it. */
        public val query: String? = null,
        /** How many results were found. */
        public val results: Int? = null,
    ) : Event() {
        override fun equals(other: Any?): Boolean =
            other is Search &&
                query == other.query &&
                results == other.results

        override fun hashCode(): Int = arrayOf<Any?>(query, results).contentHashCode()
    }

    /** A product was put into the cart or taken out of it. */
    public class CartChange(
        /** The product. */
        public val product: jalon.android.Product,
        /** How many were put in; below zero for taken out. */
        public val delta: Int,
    ) : Event() {
        override fun equals(other: Any?): Boolean =
            other is CartChange &&
                product == other.product &&
                delta == other.delta

        override fun hashCode(): Int = arrayOf<Any?>(product, delta).contentHashCode()
    }

    /** An order was placed or changed. */
    public class Order(
        /** The order. */
        public val order: jalon.android.Order,
    ) : Event() {
        override fun equals(other: Any?): Boolean =
            other is Order &&
                order == other.order

        override fun hashCode(): Int = arrayOf<Any?>(order).contentHashCode()
    }

    /** The customer saw something go wrong. */
    public class Failure @JvmOverloads constructor(
        /** The app's error code, such as `payment_declined`. At most 64 bytes. */
        public val code: String,
        /** The screen it was shown on; the current one if not given. */
        public val screen: String? = null,
    ) : Event() {
        override fun equals(other: Any?): Boolean =
            other is Failure &&
                code == other.code &&
                screen == other.screen

        override fun hashCode(): Int = arrayOf<Any?>(code, screen).contentHashCode()
    }

    /** Anything else that helps an agent. */
    public class Custom(
        /** Its name. At most 64 bytes. */
        public val name: String,
        /** At most 16 values, each name at most 64 bytes. */
        public val values: Map<String, jalon.android.Value>,
    ) : Event() {
        override fun equals(other: Any?): Boolean =
            other is Custom &&
                name == other.name &&
                values == other.values

        override fun hashCode(): Int = arrayOf<Any?>(name, values).contentHashCode()
    }
}

/** A value of a custom event. */
public sealed class Value {
    /** A text of at most 256 bytes. */
    public class Text(
        public val value: String,
    ) : Value() {
        override fun equals(other: Any?): Boolean =
            other is Text &&
                value == other.value

        override fun hashCode(): Int = arrayOf<Any?>(value).contentHashCode()
    }

    /** A finite number. */
    public class Number(
        public val value: Double,
    ) : Value() {
        override fun equals(other: Any?): Boolean =
            other is Number &&
                value == other.value

        override fun hashCode(): Int = arrayOf<Any?>(value).contentHashCode()
    }

    /** True or false. */
    public class Flag(
        public val value: Boolean,
    ) : Value() {
        override fun equals(other: Any?): Boolean =
            other is Flag &&
                value == other.value

        override fun hashCode(): Int = arrayOf<Any?>(value).contentHashCode()
    }
}

/** What a step of a preview is. */
public enum class StepKind {
    /** A screen was shown. */
    SCREEN_VIEW,

    /** A product was looked at. */
    PRODUCT_VIEW,

    /** A search. */
    SEARCH,

    /** A product was put into the cart or taken out of it. */
    CART_CHANGE,

    /** An order was placed or changed. */
    ORDER,

    /** The customer saw something go wrong. */
    FAILURE,

    /** An event of the app's own. */
    CUSTOM,

    /** Who the customer is from here on. */
    CUSTOMER,

    /** Where the customer was, to about a kilometre. */
    LOCATION,

    /** An earlier call. */
    CALL,
}

/** Whether the customer agreed to be recorded. */
public enum class Consent {
    /** Not asked yet: the newest 200 events wait in memory, and nothing is written to disk. */
    UNKNOWN,

    /** Events are recorded and uploaded. */
    GRANTED,

    /** Nothing is recorded, and everything recorded before is deleted. */
    DENIED,
}

/** The options of a journey. */
internal class Config @JvmOverloads constructor(
    /** The folder that the journey alone uses: private to the app and excluded from backups. */
    internal val folder: String,
    /**
     * The collector, such as `https://calls.example.com`. Plain `http` is accepted for loopback
     * only.
     */
    internal val endpoint: String,
    /** The app's write key. */
    internal val writeKey: String,
    /** How this build names itself to the collector, such as `jalon-android/0.1.0`. */
    internal val sdk: String,
    /** The app's identifier, such as `com.example.shop`. */
    internal val appId: String,
    /** The app's version. */
    internal val appVersion: String,
    /** The system, such as `Android 15`. */
    internal val os: String,
    /** The device's model. */
    internal val device: String,
    /** The language and region, such as `fr-FR`. */
    internal val locale: String,
    /** The consent where none is stored and nothing was erased; a refusal holds always. */
    internal val consent: jalon.android.Consent?,
    /** Whether what customers type into a search is recorded. */
    internal val recordSearchQueries: Boolean,
    /** The most bytes to use on disk; 5 MiB if not given. */
    internal val quotaBytes: Long?,
    /** How long an event that cannot be uploaded is kept, in ms; 7 days if not given. */
    internal val timeToLiveMs: Long?,
    /** Further root certificates to trust, each in DER. */
    internal val extraRoots: List<ByteArray>,
    /** An HTTP proxy, such as `http://proxy.example.com:3128`. */
    internal val proxy: String?,
    /** How much is logged. */
    internal val logLevel: jalon.android.LogLevel,
    /**
     * Whether the device has not been unlocked since it started. Storage that cannot be reached is
     * then reported with that reason.
     */
    internal val locked: Boolean = false,
) {
    override fun equals(other: Any?): Boolean =
        other is Config &&
            folder == other.folder &&
            endpoint == other.endpoint &&
            writeKey == other.writeKey &&
            sdk == other.sdk &&
            appId == other.appId &&
            appVersion == other.appVersion &&
            os == other.os &&
            device == other.device &&
            locale == other.locale &&
            consent == other.consent &&
            recordSearchQueries == other.recordSearchQueries &&
            quotaBytes == other.quotaBytes &&
            timeToLiveMs == other.timeToLiveMs &&
            extraRoots == other.extraRoots &&
            proxy == other.proxy &&
            logLevel == other.logLevel &&
            locked == other.locked

    override fun hashCode(): Int = arrayOf<Any?>(folder, endpoint, writeKey, sdk, appId, appVersion, os, device, locale, consent, recordSearchQueries, quotaBytes, timeToLiveMs, extraRoots, proxy, logLevel, locked).contentHashCode()
}

/** The context of a call, in the exact form that each way of calling needs. */
public class CallContext @JvmOverloads constructor(
    /**
     * The URI for the dialer, such as `tel:+33123456789,,4129073852176`: the number, and the
     * code where there is one. `null` for a call without a phone number.
     */
    public val dialString: String? = null,
    /**
     * The token. `null` without the customer's consent, and where the call carries only the
     * number.
     */
    public val token: String? = null,
    /**
     * The code, thirteen digits. `null` where there is no token, and on a phone that has no codes
     * left: it never had a data connection, or used all its codes offline.
     */
    public val code: String? = null,
    /** The code in groups, for reading aloud: `412 907 385 217 6`. */
    public val spokenCode: String? = null,
    /**
     * The headers of a SIP INVITE: `User-to-User` (RFC 7433) and `X-Jalon-Context`. Set both: the
     * exchange uses whichever reaches it. Empty without a token.
     */
    public val sipHeaders: List<jalon.android.NamedValue> = emptyList(),
    /** The parameter of a chat, a callback request or a link: `jalon_context` and the token. */
    public val linkParameter: jalon.android.NamedValue? = null,
    /** How long the token can be claimed, in ms after the tap. */
    public val expiresInMs: Long = 0,
) {
    override fun equals(other: Any?): Boolean =
        other is CallContext &&
            dialString == other.dialString &&
            token == other.token &&
            code == other.code &&
            spokenCode == other.spokenCode &&
            sipHeaders == other.sipHeaders &&
            linkParameter == other.linkParameter &&
            expiresInMs == other.expiresInMs

    override fun hashCode(): Int = arrayOf<Any?>(dialString, token, code, spokenCode, sipHeaders, linkParameter, expiresInMs).contentHashCode()
}

/** A header or a parameter; its exact value holds the token. */
public class NamedValue(
    /** Its name. */
    public val name: String,
    /** Its value. */
    public val value: String,
) {
    override fun equals(other: Any?): Boolean =
        other is NamedValue &&
            name == other.name &&
            value == other.value

    override fun hashCode(): Int = arrayOf<Any?>(name, value).contentHashCode()
}

/** An order. */
public class Order @JvmOverloads constructor(
    /** The shop's id. At most 128 bytes, never blank. */
    public val id: String,
    /** Its status, in the shop's words. At most 64 bytes. */
    public val status: String,
    /** The total amount. */
    public val total: jalon.android.Price? = null,
) {
    override fun equals(other: Any?): Boolean =
        other is Order &&
            id == other.id &&
            status == other.status &&
            total == other.total

    override fun hashCode(): Int = arrayOf<Any?>(id, status, total).contentHashCode()
}

/** An amount of money. */
public class Price(
    /** In minor units: 13076 is 130.76 EUR. */
    public val minor: Long,
    /** ISO 4217: three capital letters. Any other text makes the event invalid. */
    public val currency: String,
) {
    override fun equals(other: Any?): Boolean =
        other is Price &&
            minor == other.minor &&
            currency == other.currency

    override fun hashCode(): Int = arrayOf<Any?>(minor, currency).contentHashCode()
}

/** A product, as the app's catalogue knows it. */
public class Product @JvmOverloads constructor(
    /** The catalogue's id. At most 128 bytes, never blank. */
    public val id: String,
    /** Its name, as the customer reads it. At most 256 bytes. */
    public val name: String? = null,
    /** Its category, such as `electronics.smartphone`. At most 128 bytes. */
    public val category: String? = null,
    /** Its brand. At most 64 bytes. */
    public val brand: String? = null,
    /** Its price. */
    public val price: jalon.android.Price? = null,
) {
    override fun equals(other: Any?): Boolean =
        other is Product &&
            id == other.id &&
            name == other.name &&
            category == other.category &&
            brand == other.brand &&
            price == other.price

    override fun hashCode(): Int = arrayOf<Any?>(id, name, category, brand, price).contentHashCode()
}

/** What a call would carry now, from this device alone. */
public class Preview @JvmOverloads constructor(
    /** Who the customer is, as the app identified them. */
    public val customer: String? = null,
    /** What happened last, oldest first. */
    public val steps: List<jalon.android.PreviewStep> = emptyList(),
    /** Whether the agent may also see what was uploaded before. */
    public val uploadedBefore: Boolean = false,
) {
    override fun equals(other: Any?): Boolean =
        other is Preview &&
            customer == other.customer &&
            steps == other.steps &&
            uploadedBefore == other.uploadedBefore

    override fun hashCode(): Int = arrayOf<Any?>(customer, steps, uploadedBefore).contentHashCode()
}

/** A step that a call would carry. */
public class PreviewStep(
    /** When, by the phone's wall clock, in ms since the Unix epoch. */
    public val atMs: Long,
    /** The screen it happened on. */
    public val screen: String?,
    /** What it was. */
    public val what: jalon.android.StepKind,
    /** What it was about, in the app's words: a product's name, a failure's code, a screen. */
    public val about: String?,
) {
    override fun equals(other: Any?): Boolean =
        other is PreviewStep &&
            atMs == other.atMs &&
            screen == other.screen &&
            what == other.what &&
            about == other.about

    override fun hashCode(): Int = arrayOf<Any?>(atMs, screen, what, about).contentHashCode()
}

/** How many events were lost, by reason, since the epoch began. */
public class Dropped @JvmOverloads constructor(
    /** The storage quota was full; the oldest were deleted first. */
    public val quota: Long = 0,
    /** They could not be uploaded within their time to live. */
    public val expired: Long = 0,
    /** They could not be read back. */
    public val corrupt: Long = 0,
    /** Larger than 16 KiB, or a custom event of more than 16 values. */
    public val tooLarge: Long = 0,
    /** A name was blank, a currency or a phone number not valid, or a number not finite. */
    public val invalid: Long = 0,
    /** The customer had not consented. */
    public val consent: Long = 0,
    /** They could not be written to disk. */
    public val disk: Long = 0,
    /** The collector rejected them permanently. */
    public val rejected: Long = 0,
    /** All of them together. */
    public val total: Long = 0,
) {
    override fun equals(other: Any?): Boolean =
        other is Dropped &&
            quota == other.quota &&
            expired == other.expired &&
            corrupt == other.corrupt &&
            tooLarge == other.tooLarge &&
            invalid == other.invalid &&
            consent == other.consent &&
            disk == other.disk &&
            rejected == other.rejected &&
            total == other.total

    override fun hashCode(): Int = arrayOf<Any?>(quota, expired, corrupt, tooLarge, invalid, consent, disk, rejected, total).contentHashCode()
}

/** How the last upload ended. */
public class LastUpload(
    /** When, by the phone's wall clock, in ms since the Unix epoch. */
    public val atMs: Long,
    /** Why it did not succeed, as text for a developer; `null` if it did. */
    public val problem: String?,
) {
    override fun equals(other: Any?): Boolean =
        other is LastUpload &&
            atMs == other.atMs &&
            problem == other.problem

    override fun hashCode(): Int = arrayOf<Any?>(atMs, problem).contentHashCode()
}

/** The state of a journey. `recorded` = `delivered` + `queued` + `dropped.total`. */
public class Status @JvmOverloads constructor(
    /** Why nothing is recorded, if this journey could not be opened: as text for a developer. */
    public val problem: String? = null,
    /** Why events wait in memory instead of on disk, if they do: as text for a developer. */
    public val storageTrouble: String? = null,
    /** The customer's answer. */
    public val consent: jalon.android.Consent = Consent.UNKNOWN,
    /** The current session's number; 0 before the first event. */
    public val session: Int = 0,
    /** Events taken since the epoch began. */
    public val recorded: Long = 0,
    /** Events that the collector has acknowledged. */
    public val delivered: Long = 0,
    /** Events that wait, in memory or on disk. */
    public val queued: Long = 0,
    /** Events that were lost. */
    public val dropped: jalon.android.Dropped = Dropped(),
    /** Call codes left for calls made offline. */
    public val codes: Int = 0,
    /** The last upload; `null` before the first. */
    public val lastUpload: jalon.android.LastUpload? = null,
) {
    override fun equals(other: Any?): Boolean =
        other is Status &&
            problem == other.problem &&
            storageTrouble == other.storageTrouble &&
            consent == other.consent &&
            session == other.session &&
            recorded == other.recorded &&
            delivered == other.delivered &&
            queued == other.queued &&
            dropped == other.dropped &&
            codes == other.codes &&
            lastUpload == other.lastUpload

    override fun hashCode(): Int = arrayOf<Any?>(problem, storageTrouble, consent, session, recorded, delivered, queued, dropped, codes, lastUpload).contentHashCode()
}
