// SPDX-License-Identifier: Apache-2.0
package shop;

import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;

/**
 * What the shop must know before it can answer: the price of each item, loaded through the local proxy and computed at
 * a cost of seconds. Until warmUp() is done nothing can be asked of it.
 */
final class Catalog {
    static final int ITEMS = 200;
    private static final int ROUNDS = 4_000_000;
    private static final String PROXY = System.getenv().getOrDefault("SHOP_PROXY", "http://127.0.0.1:15001");

    private final long[] cents = new long[ITEMS];
    private volatile int loaded;

    boolean isWarm() {
        return loaded == ITEMS;
    }

    int loaded() {
        return loaded;
    }

    /** Loads what is not loaded yet; the second call has nothing to do. */
    synchronized void warmUp() throws IOException {
        for (int item = loaded; item < ITEMS; ++item) {
            cents[item] = computePrice(Long.parseLong(ask("/catalog/" + item)));
            loaded = item + 1;
        }
    }

    /** Price of an item in cents, at the rate of this moment. */
    long price(int item) throws IOException {
        return cents[item] * Long.parseLong(ask("/rate")) / 100;
    }

    private static String ask(String path) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) URI.create(PROXY + path).toURL().openConnection();
        connection.setConnectTimeout(2000);
        connection.setReadTimeout(5000);
        if (connection.getResponseCode() != 200) {
            throw new IOException(PROXY + path + " answers " + connection.getResponseCode());
        }
        try (InputStream body = connection.getInputStream()) {
            return new String(body.readAllBytes(), StandardCharsets.UTF_8).trim();
        }
    }

    /** Stands for what makes real services slow to start: work that must be done once and compiled while it runs. */
    private static long computePrice(long seed) {
        long state = seed * 2 + 1;
        for (int round = 0; round < ROUNDS; ++round) {
            state = state * 6364136223846793005L + 1442695040888963407L;
            state ^= state >>> 29;
        }
        return 100 + Math.floorMod(state, 9900L);
    }
}
