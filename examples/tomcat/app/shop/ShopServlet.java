// SPDX-License-Identifier: Apache-2.0
package shop;

import jakarta.servlet.annotation.WebServlet;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;

/**
 * The shop: /alive says that it runs, /health whether it can serve (503 until it is warm), /warmup makes it so,
 * /quote?item=N sells, /report takes a second as reports do.
 */
@WebServlet({"/alive", "/health", "/warmup", "/quote", "/report"})
public class ShopServlet extends HttpServlet {
    private static final String POD = System.getenv().getOrDefault("POD_NAME", "unknown");
    private final transient Catalog catalog = new Catalog();

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        switch (request.getServletPath()) {
            case "/alive" -> answer(response, 200, "alive");
            case "/warmup" -> warmUp(response);
            case "/health" -> answer(response, catalog.isWarm() ? 200 : 503, state());
            case "/report" -> sell(request, response, 1000);
            default -> sell(request, response, 0);
        }
    }

    private void warmUp(HttpServletResponse response) throws IOException {
        catalog.warmUp();
        answer(response, 200, state());
    }

    private void sell(HttpServletRequest request, HttpServletResponse response, long thinkingMillis) throws IOException {
        if (!catalog.isWarm()) {
            answer(response, 503, state());
            return;
        }
        think(thinkingMillis);
        int item = itemOf(request);
        response.setContentType("application/json");
        answer(response, 200, "{\"pod\": \"" + POD + "\", \"item\": " + item + ", \"cents\": " + catalog.price(item) + "}");
    }

    private String state() {
        return (catalog.isWarm() ? "warm: " : "warming up: ") + catalog.loaded() + " of " + Catalog.ITEMS + " items loaded";
    }

    private static int itemOf(HttpServletRequest request) {
        String item = request.getParameter("item");
        return item == null || !item.matches("[0-9]{1,6}") ? 0 : Integer.parseInt(item) % Catalog.ITEMS;
    }

    private static void think(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    private static void answer(HttpServletResponse response, int status, String text) throws IOException {
        response.setStatus(status);
        response.getWriter().println(text);
    }
}
