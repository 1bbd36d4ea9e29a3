package org.sparsercnn.viz.report;

import java.util.function.Consumer;

/** A part of the page under its heading. Its id is stable: other pages and tests may point there. */
final class Section {
    private Section() {}

    static void write(Html page, String id, String title, Consumer<Html> content) {
        page.element("section", section -> {
            section.element("h2", title);
            content.accept(section);
        }, "id", id);
    }

    /** The section of a part that a run lacks. */
    static void missing(Html page, String id, String title, String remedy) {
        write(page, id, title, section -> section.element("p", remedy, "class", "missing"));
    }

    static void note(Html page, String text) {
        page.element("p", text, "class", "note");
    }

    /** A table that scrolls in its own box where it is wider than the page. */
    static void table(Html page, String caption, String kind, Consumer<Html> rows) {
        page.element("div", box -> box.element("table", table -> {
            table.element("caption", caption);
            rows.accept(table);
        }, "class", kind), "class", "scroll", "tabindex", "0", "role", "region", "aria-label", caption);
    }

    /** @param kinds a letter a column: t of text, n of numbers; the last one goes on */
    static void head(Html table, String kinds, String... columns) {
        table.element("thead", head -> head.element("tr", row -> {
            for (int i = 0; i < columns.length; i++) {
                boolean number = kinds.charAt(Math.min(i, kinds.length() - 1)) == 'n';
                row.element("th", columns[i], "scope", "col", "class", number ? "num" : "text");
            }
        }));
    }

    /** A number with a bar behind it. */
    static void bar(Html row, String text, double share) {
        row.element("td", text, "class", "num bar", "style", "--p:" + Numbers.decimal(100 * Math.clamp(Double.isFinite(share) ? share : 0, 0, 1), 1) + "%");
    }

    /** The head of a row, with what it means below in small letters. */
    static void explained(Html row, String name, String meaning) {
        row.element("th", th -> th.text(name).element("span", meaning, "class", "hint"), "scope", "row");
    }

    static void number(Html row, String text) {
        row.element("td", text, "class", "num");
    }
}
