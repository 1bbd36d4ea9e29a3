package org.sparsercnn.app;

/** What is measured: the model as it is, or with test-time augmentation. The words are detectron2's. */
enum EvaluationTask {
    PLAIN("bbox", "inference"),
    AUGMENTED("bbox_TTA", "inference_TTA");

    private final String label;
    private final String folder;

    EvaluationTask(String label, String folder) {
        this.label = label;
        this.folder = folder;
    }

    /** In {@code metrics.json}, TEST.EXPECTED_RESULTS and the log. */
    String label() {
        return label;
    }

    /** In OUTPUT_DIR. */
    String folder() {
        return folder;
    }
}
