package org.sparsercnn.eval;

/**
 * What became of a detection at IoU 0.5: right, one of five mistakes, or not counted. The mistakes are those of TIDE (Bolya et al., A
 * General Toolbox for Identifying Object Detection Errors, ECCV 2020); its sixth, a missed object, is one of the truth and not of a detection.
 */
public enum Outcome {
    /** It took an object of its class. */
    CORRECT("correct", "Takes an object of its class with an IoU of 0.5 or more."),
    /** Its object was taken by a better scored detection. */
    DUPLICATE("duplicate", "Lies on an object of its class that a better scored detection took already."),
    /** IoU 0.5 or more with an object of another class. */
    WRONG_CLASS("wrong class", "Lies well on an object, but of another class."),
    /** IoU from 0.1 to below 0.5 with an object of its class. */
    BADLY_PLACED("badly placed", "Belongs to an object of its class, but overlaps it too little: IoU 0.1 to 0.5."),
    /** IoU from 0.1 to below 0.5 with an object of another class. */
    BOTH("wrong class and badly placed", "Overlaps an object of another class by 0.1 to 0.5."),
    /** IoU below 0.1 with every object. */
    BACKGROUND("background", "Lies where no object is: IoU below 0.1 with all of them."),
    /** It took a crowd region. */
    IGNORED("not counted", "Lies in a region that is not counted.");

    private final String label;
    private final String meaning;

    Outcome(String label, String meaning) {
        this.label = label;
        this.meaning = meaning;
    }

    /** For people. */
    public String label() {
        return label;
    }

    /** A sentence for people. */
    public String meaning() {
        return meaning;
    }

    /** Whether it is a false positive. */
    public boolean isMistake() {
        return this != CORRECT && this != IGNORED;
    }
}
