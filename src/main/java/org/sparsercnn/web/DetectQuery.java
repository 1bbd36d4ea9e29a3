package org.sparsercnn.web;

import java.util.List;
import java.util.Set;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.util.Fields;

/**
 * What a request wants of what is found.
 *
 * @param threshold least score
 */
record DetectQuery(double threshold, int maxDetections) {
    static final double THRESHOLD = 0.05;
    static final int MAX_DETECTIONS = 100;
    static final int MOST_DETECTIONS = 1000;
    private static final String THRESHOLD_NAME = "threshold";
    private static final String MAX_DETECTIONS_NAME = "max_detections";

    /** @throws ApiError for a parameter that is unknown, given twice or out of range */
    static DetectQuery of(Request request) {
        Fields fields;
        try {
            fields = Request.extractQueryParameters(request);
        } catch (RuntimeException e) { // of percent signs and bytes that are no UTF-8
            throw ApiError.badRequest("the query cannot be read: " + e.getMessage());
        }
        for (String name : fields.getNames()) {
            if (!Set.of(THRESHOLD_NAME, MAX_DETECTIONS_NAME).contains(name)) {
                throw ApiError.badRequest("there is no parameter " + name + "; threshold and max_detections can be given");
            }
        }
        double threshold = number(fields, THRESHOLD_NAME, THRESHOLD);
        double most = number(fields, MAX_DETECTIONS_NAME, MAX_DETECTIONS);
        if (!(threshold >= 0 && threshold <= 1)) {
            throw ApiError.badRequest("threshold: a number from 0 to 1");
        }
        if (!(most >= 1 && most <= MOST_DETECTIONS && most == Math.rint(most))) {
            throw ApiError.badRequest("max_detections: a whole number from 1 to " + MOST_DETECTIONS);
        }
        return new DetectQuery(threshold, (int) most);
    }

    private static double number(Fields fields, String name, double otherwise) {
        List<String> values = fields.getValuesOrEmpty(name);
        if (values.isEmpty()) {
            return otherwise;
        }
        try {
            return values.size() == 1 && values.getFirst().matches("[0-9.eE+-]{1,32}") ? Double.parseDouble(values.getFirst()) : Double.NaN;
        } catch (NumberFormatException e) {
            return Double.NaN;
        }
    }
}
