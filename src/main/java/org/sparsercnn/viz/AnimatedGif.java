package org.sparsercnn.viz;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriter;
import javax.imageio.metadata.IIOMetadata;
import javax.imageio.metadata.IIOMetadataNode;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.sparsercnn.util.AtomicFiles;
import org.sparsercnn.util.BadInput;

/** Pictures shown one after another, over and over: GIF89a with the application block NETSCAPE2.0 for the loop. */
public final class AnimatedGif {
    private static final String TREE = "javax_imageio_gif_image_1.0";

    /** @param hundredths how long it is shown, in 1/100 s, the unit of the format */
    public record Frame(BufferedImage picture, int hundredths) {}

    private AnimatedGif() {}

    /** Writes the frames, all of the size of the first; an old file is replaced whole. */
    public static void write(List<Frame> frames, Path file) {
        try {
            AtomicFiles.write(file, out -> {
                ImageWriter writer = ImageIO.getImageWritersByFormatName("gif").next();
                try (MemoryCacheImageOutputStream stream = new MemoryCacheImageOutputStream(out)) {
                    writer.setOutput(stream);
                    writer.prepareWriteSequence(null);
                    for (Frame frame : frames) {
                        writer.writeToSequence(new IIOImage(frame.picture, null, metadata(writer, frame)), writer.getDefaultWriteParam());
                    }
                    writer.endWriteSequence();
                } finally {
                    writer.dispose();
                }
            });
        } catch (IOException e) {
            throw new BadInput(file + ": cannot be written: " + AtomicFiles.reason(e) + "; free some space or choose another folder", e);
        }
    }

    private static IIOMetadata metadata(ImageWriter writer, Frame frame) throws IOException {
        IIOMetadata metadata = writer.getDefaultImageMetadata(new ImageTypeSpecifier(frame.picture), null);
        IIOMetadataNode root = new IIOMetadataNode(TREE);
        IIOMetadataNode control = new IIOMetadataNode("GraphicControlExtension");
        control.setAttribute("disposalMethod", "none");
        control.setAttribute("userInputFlag", "FALSE");
        control.setAttribute("transparentColorFlag", "FALSE");
        control.setAttribute("delayTime", Integer.toString(frame.hundredths));
        control.setAttribute("transparentColorIndex", "0");
        root.appendChild(control);
        IIOMetadataNode loop = new IIOMetadataNode("ApplicationExtension");
        loop.setAttribute("applicationID", "NETSCAPE");
        loop.setAttribute("authenticationCode", "2.0");
        loop.setUserObject(new byte[] {1, 0, 0}); // for ever
        IIOMetadataNode extensions = new IIOMetadataNode("ApplicationExtensions");
        extensions.appendChild(loop);
        root.appendChild(extensions);
        metadata.mergeTree(TREE, root);
        return metadata;
    }
}
