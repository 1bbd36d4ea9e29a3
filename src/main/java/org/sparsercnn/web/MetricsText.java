package org.sparsercnn.web;

/** Prometheus' text format 0.0.4. */
final class MetricsText {
    static final String TYPE = "text/plain; version=0.0.4; charset=utf-8";

    private final StringBuilder text = new StringBuilder();

    /** Begins a metric. */
    MetricsText metric(String name, String type, String help) {
        text.append("# HELP ").append(name).append(' ').append(help).append('\n').append("# TYPE ").append(name).append(' ').append(type).append('\n');
        return this;
    }

    /** @param labels {@code code="200",path="/"}, or empty */
    MetricsText sample(String name, String labels, double value) {
        text.append(name).append(labels.isEmpty() ? "" : "{" + labels + "}").append(' ').append(number(value)).append('\n');
        return this;
    }

    static String number(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15 ? Long.toString((long) value) : Double.toString(value);
    }

    @Override
    public String toString() {
        return text.toString();
    }
}
