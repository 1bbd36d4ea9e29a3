package org.sparsercnn.viz.report;

import java.util.Base64;
import java.util.List;

/** The images that were done worst and best. */
final class GallerySection {
    private GallerySection() {}

    static void write(Html page, SetData set, String suffix) {
        SetData.Gallery gallery = set.gallery();
        int shown = gallery.worst().size() + gallery.best().size();
        if (shown == 0) {
            Section.missing(page, "gallery" + suffix, "Images", gallery.reason());
            return;
        }
        Section.write(page, "gallery" + suffix, "Images", section -> {
            Section.note(section, "Dashed: ground truth. Solid: detections of score " + Numbers.decimal(set.analysis().point().score(), 2)
                    + " and above. Images are ranked by their F1 at IoU 0.5; " + shown + " of " + Numbers.count(set.analysis().images().size())
                    + " that have an object or a detection are shown.");
            shots(section, "Worst", gallery.worst());
            shots(section, "Best", gallery.best());
        });
    }

    private static void shots(Html section, String title, List<SetData.Shot> shots) {
        if (!shots.isEmpty()) {
            section.element("h3", title);
            section.element("div", list -> shots.forEach(shot -> shot(list, shot)), "class", "gallery");
        }
    }

    private static void shot(Html list, SetData.Shot shot) {
        list.element("figure", figure -> {
            if (shot.jpeg().length > 0) {
                figure.element("a", link -> link.empty("img", "src", "data:image/jpeg;base64," + Base64.getEncoder().encodeToString(shot.jpeg()),
                        "alt", shot.name() + ": " + shot.caption(), "width", Integer.toString(shot.width()), "height", Integer.toString(shot.height()),
                        "loading", "lazy"), "href", shot.link());
            } else {
                figure.element("p", shot.problem(), "class", "missing");
            }
            figure.element("figcaption", text -> {
                if (shot.link().isEmpty()) {
                    text.element("b", shot.name());
                } else {
                    text.element("a", shot.name(), "href", shot.link());
                }
                text.element("span", shot.caption());
            });
        });
    }
}
