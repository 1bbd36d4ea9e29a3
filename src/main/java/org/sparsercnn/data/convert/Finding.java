package org.sparsercnn.data.convert;

/** What can be wrong with labels that are converted. */
public enum Finding {
    UNREADABLE(true, "files or lines that cannot be read"),
    NO_IMAGE(true, "labels without their image"),
    NO_LABELS(true, "images of a split without a label file"),
    BAD_IMAGE(true, "images that cannot be read"),
    OTHER_SIZE(true, "images of another size than their labels say"),
    REPEATED(true, "images that are named twice"),
    BAD_OBJECT(true, "objects that cannot be understood"),
    BAD_BOX(true, "boxes that are none: turned inside out, empty or outside their image"),
    UNKNOWN_CLASS(true, "objects of a class that is not in the list"),
    CLIPPED(false, "boxes that reach out of their image; clipped to it"),
    BACKGROUND(false, "images without labels; kept, as images of nothing but background"),
    LEFT_OUT(false, "images without a label file; left out"),
    PUBLISHED_PERSON(false, "boxes tagged as something else than a person; persons all the same, as published"),
    PUBLISHED_EMPTY(false, "boxes without area; kept, as published (training drops them)");

    private final boolean bad;
    private final String what;

    Finding(boolean bad, String what) {
        this.bad = bad;
        this.what = what;
    }

    /** Whether a conversion is refused for it, unless it is told to skip what is bad. */
    public boolean bad() {
        return bad;
    }

    /** A noun phrase in the plural. */
    public String what() {
        return what;
    }
}
