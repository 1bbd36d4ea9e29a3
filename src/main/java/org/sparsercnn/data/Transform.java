package org.sparsercnn.data;

/**
 * One geometric step with all its parameters fixed, applied alike to pixels and boxes (fvcore's and detectron2's
 * transforms of the same names). What an {@link Augmentation} draws, and what a {@link Sample} remembers.
 */
public sealed interface Transform {
    /** The picture after this step. */
    Image apply(Image image);

    /** The size after this step. */
    ImageSize apply(ImageSize size);

    /**
     * Moves boxes in place, without clipping them.
     *
     * @param boxesXyxyPx (M, 4)
     */
    void applyToBoxes(double[] boxesXyxyPx);

    /** Changes nothing. */
    record NoOp() implements Transform {
        @Override
        public Image apply(Image image) {
            return image;
        }

        @Override
        public ImageSize apply(ImageSize size) {
            return size;
        }

        @Override
        public void applyToBoxes(double[] boxesXyxyPx) {}
    }

    /** Mirrors a picture of this width left to right. */
    record HorizontalFlip(int width) implements Transform {
        @Override
        public Image apply(Image image) {
            return image.flipHorizontal();
        }

        @Override
        public ImageSize apply(ImageSize size) {
            return size;
        }

        @Override
        public void applyToBoxes(double[] boxesXyxyPx) {
            mirror(boxesXyxyPx, 0, width);
        }
    }

    /** Mirrors a picture of this height top to bottom. */
    record VerticalFlip(int height) implements Transform {
        @Override
        public Image apply(Image image) {
            return image.flipVertical();
        }

        @Override
        public ImageSize apply(ImageSize size) {
            return size;
        }

        @Override
        public void applyToBoxes(double[] boxesXyxyPx) {
            mirror(boxesXyxyPx, 1, height);
        }
    }

    /** Scales one size to another. */
    record Scale(int width, int height, int newWidth, int newHeight) implements Transform {
        @Override
        public Image apply(Image image) {
            return Resize.bilinear(image, newWidth, newHeight);
        }

        @Override
        public ImageSize apply(ImageSize size) {
            return new ImageSize(newWidth, newHeight);
        }

        @Override
        public void applyToBoxes(double[] boxesXyxyPx) {
            double byWidth = (double) newWidth / width;
            double byHeight = (double) newHeight / height;
            for (int i = 0; i < boxesXyxyPx.length; i += 2) {
                boxesXyxyPx[i] *= byWidth;
                boxesXyxyPx[i + 1] *= byHeight;
            }
        }
    }

    /** Cuts out a part that lies inside the picture. */
    record Crop(int x0, int y0, int width, int height) implements Transform {
        @Override
        public Image apply(Image image) {
            return image.crop(x0, y0, width, height);
        }

        @Override
        public ImageSize apply(ImageSize size) {
            return new ImageSize(width, height);
        }

        @Override
        public void applyToBoxes(double[] boxesXyxyPx) {
            for (int i = 0; i < boxesXyxyPx.length; i += 2) {
                boxesXyxyPx[i] -= x0;
                boxesXyxyPx[i + 1] -= y0;
            }
        }
    }

    /** Mirrors the coordinates {@code axis} and {@code axis + 2}, which exchange their roles of lower and upper end. */
    private static void mirror(double[] boxesXyxyPx, int axis, double size) {
        for (int i = axis; i < boxesXyxyPx.length; i += 4) {
            double low = boxesXyxyPx[i];
            boxesXyxyPx[i] = size - boxesXyxyPx[i + 2];
            boxesXyxyPx[i + 2] = size - low;
        }
    }
}
