extension Journey {
    /// Something the customer did or saw, as the app records it.
    ///
    /// Texts are cut at their limit, and the event says which were. A blank text where one is
    /// needed makes the event invalid: it is dropped and counted, and the log says so once.
    public enum Event: Sendable, Hashable {
        /// A screen was shown: a route pattern, such as `product/{id}`, never a URL. At most 128
        /// bytes. The SDK adds the previous screen and how long it was shown.
        case screenView(_ screen: String)

        /// The customer looked at a product.
        case productView(_ product: Product)

        /// The customer searched. What was typed is recorded only where the configuration allows
        /// it.
        case search(query: String? = nil, results: Int? = nil)

        /// A product was put into the cart or, with a `delta` below zero, taken out of it.
        case cartChange(_ product: Product, delta: Int)

        /// An order was placed or changed.
        case order(_ order: Order)

        /// The customer saw something go wrong: by the app's error code, such as
        /// `payment_declined`, at most 64 bytes, on the current screen if no other is given.
        case failure(_ code: String, screen: String? = nil)

        /// Anything else that helps an agent. A name of at most 64 bytes, and at most 16 values.
        case custom(_ name: String, values: [String: Value] = [:])

        /// The customer looked at a product, said in one go.
        public static func productView(
            id: String, name: String? = nil, category: String? = nil, brand: String? = nil,
            price: Price? = nil
        ) -> Event {
            .productView(Product(id: id, name: name, category: category, brand: brand, price: price))
        }
    }

    /// A product, as the app's catalogue knows it.
    public struct Product: Sendable, Hashable {
        /// The catalogue's id. At most 128 bytes, never blank.
        public var id: String
        /// Its name, as the customer reads it. At most 256 bytes.
        public var name: String?
        /// Its category, such as `electronics.smartphone`. At most 128 bytes.
        public var category: String?
        /// Its brand. At most 64 bytes.
        public var brand: String?
        /// Its price.
        public var price: Price?

        /// A product; only the id is needed.
        public init(
            id: String, name: String? = nil, category: String? = nil, brand: String? = nil,
            price: Price? = nil
        ) {
            self.id = id
            self.name = name
            self.category = category
            self.brand = brand
            self.price = price
        }
    }

    /// An amount of money.
    public struct Price: Sendable, Hashable {
        /// In minor units: 13076 is 130.76 EUR.
        public var minor: Int
        /// ISO 4217: three capital letters. Any other text makes the event invalid.
        public var currency: String

        /// `Price(minor: 13_076, currency: "EUR")` is 130.76 EUR.
        public init(minor: Int, currency: String) {
            self.minor = minor
            self.currency = currency
        }
    }

    /// An order.
    public struct Order: Sendable, Hashable {
        /// The shop's id. At most 128 bytes, never blank.
        public var id: String
        /// Its status, in the shop's words. At most 64 bytes.
        public var status: String
        /// The total amount.
        public var total: Price?

        /// An order.
        public init(id: String, status: String, total: Price? = nil) {
            self.id = id
            self.status = status
            self.total = total
        }
    }

    /// A value of a custom event. Literals are values: `["size": 42.5, "fits": true]`.
    public enum Value: Sendable, Hashable {
        /// A text of at most 256 bytes.
        case text(String)
        /// A finite number.
        case number(Double)
        /// True or false.
        case flag(Bool)
    }
}

extension Journey.Value: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral
{
    /// A text.
    public init(stringLiteral value: String) { self = .text(value) }
    /// A number.
    public init(integerLiteral value: Int) { self = .number(Double(value)) }
    /// A number.
    public init(floatLiteral value: Double) { self = .number(value) }
    /// A flag.
    public init(booleanLiteral value: Bool) { self = .flag(value) }
}
