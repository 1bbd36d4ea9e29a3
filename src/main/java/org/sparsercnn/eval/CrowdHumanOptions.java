package org.sparsercnn.eval;

/**
 * What CrowdHuman's metric counts.
 *
 * @param overlap the IoU above which a detection has found a person, and the share of it above which it lies in an ignore region
 * @param published exactly the published script. It knows no image without annotations: such an image does not count in the
 *     number of images, and a detection on one is an error. It takes regions to ignore from {@code iscrowd} alone, and a detector
 *     that found nothing has no numbers. Without it every image of the file counts, {@code ignore} marks such a region too, and
 *     to find nothing is AP 0, mMR 1 and recall 0. On CrowdHuman itself, where every image has persons, both give the same.
 */
public record CrowdHumanOptions(double overlap, boolean published) {
    /** Overlap 0.5; every image counts. */
    public static CrowdHumanOptions standard() {
        return new CrowdHumanOptions(0.5, false);
    }

    /** Overlap 0.5; as the published script. */
    public static CrowdHumanOptions asPublished() {
        return new CrowdHumanOptions(0.5, true);
    }
}
