package jalon.android;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;

import android.content.Context;
import jalon.android.support.FakeCollector;
import jalon.android.support.Phone;
import java.nio.file.Files;
import java.util.Collections;
import org.junit.Test;

/** An app in Java has the same library. */
public class JavaCallerTest {
    /** Compiles: the ways in. */
    static Journey open(Context context) {
        Configuration options = new Configuration();
        options.setConsent(Consent.GRANTED);
        options.setScreenName(activity -> "home");
        Journey journey = Journey.open(context, "wk_x", "https://calls.example.com", options);
        assertNotNull(Journey.open(context, "wk_x", "https://calls.example.com"));
        journey.call(context, "112");
        journey.call(context, "112", "billing");
        journey.call(context, "112", "billing", CallScope.ONLY_THIS_SCREEN);
        CallUsButton button = new CallUsButton(context);
        button.setScope(CallScope.ONLY_THE_NUMBER);
        button.setAsksFirst(true);
        return journey;
    }

    @Test
    public void everyCallIsThereWithoutItsDefaults() throws Exception {
        try (FakeCollector collector = new FakeCollector();
                Phone phone = new Phone(collector.getUrl(), Files.createTempDirectory("jalon").toFile())) {
            Journey journey = phone.open(Consent.GRANTED, "wk_x", collector.getUrl(), false).getJourney();
            journey.screen("home");
            journey.product("1");
            journey.product("1", "Galaxy A10", null, null, new Price(13076, "EUR"));
            journey.failure("payment_declined");
            journey.record(new Event.Search());
            journey.record(new Event.CartChange(new Product("1"), 1));
            journey.record(new Event.Custom("size", Collections.singletonMap("eu", new Value.Number(42.5))));
            journey.identify("c-1");
            assertNotNull(journey.callContext().getToken());
            assertEquals("tel:112", journey.callContext("112").getDialString());
            assertEquals("tel:112", journey.callContext("112", null, CallScope.ONLY_THE_NUMBER).getDialString());
            assertEquals(new Preview(), journey.preview(CallScope.ONLY_THE_NUMBER));
            assertEquals("c-1", journey.preview().getCustomer());
            assertEquals(22, journey.proofNonce().length());
            phone.upload();
            assertEquals(10, collector.getEvents().size());
            assertEquals(0, journey.status().getDropped().getTotal());
        }
    }

    @Test
    public void nullWhereNoneIsAllowedIsCountedAndNotThrown() throws Exception {
        try (FakeCollector collector = new FakeCollector();
                Phone phone = new Phone(collector.getUrl(), Files.createTempDirectory("jalon").toFile())) {
            Journey journey = phone.open(Consent.GRANTED, "wk_x", collector.getUrl(), false).getJourney();
            journey.screen(null);
            journey.product(null);
            journey.failure(null);
            journey.record(new Event.Order(new Order(null, null)));
            journey.record(new Event.Custom("size", Collections.singletonMap(null, new Value.Flag(true))));
            journey.record(null);
            journey.record(new Event.ProductView(null));
            journey.record(new Event.Custom("size", null));
            journey.setConsent(null);
            assertNull(journey.callContext(null).getDialString());
            // Nobody said what may be shared: nothing is.
            assertNull(journey.callContext("112", null, null).getToken());
            assertEquals(new Preview(), journey.preview(null));
            assertNotNull(Journey.open(null, null, null, null).status().getProblem());
            assertNotNull(Journey.open(null, null, null).status().getProblem());
            phone.upload();
            assertEquals(5, journey.status().getDropped().getInvalid());
        }
    }
}
