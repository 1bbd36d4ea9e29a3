package org.sparsercnn.web;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.eclipse.jetty.http.MultiPart;
import org.eclipse.jetty.http.MultiPartFormData;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.util.Promise;

/** The file in a form as browsers and {@code curl -F} send it. */
final class Multipart {
    private static final int MOST_PARTS = 32;
    private static final int MOST_HEADER_BYTES = 8192;

    private Multipart() {}

    /** @param body all of it: parts stay in memory, and names of files are not looked at */
    static byte[] image(byte[] body, String boundary) {
        MultiPartFormData.Parser parser = new MultiPartFormData.Parser(boundary);
        parser.setMaxLength(body.length);
        parser.setMaxFileSize(body.length);
        parser.setMaxMemoryFileSize(body.length); // none is so large that it would be put into a file
        parser.setUseFilesForPartsWithoutFileName(false);
        parser.setMaxParts(MOST_PARTS);
        parser.setPartHeadersMaxLength(MOST_HEADER_BYTES);
        CompletableFuture<MultiPartFormData.Parts> parsed = new CompletableFuture<>();
        parser.parse(Content.Source.from(ByteBuffer.wrap(body)), Promise.Invocable.toPromise(parsed));
        try (MultiPartFormData.Parts parts = parsed.join()) {
            ByteBuffer content = Content.Source.asByteBuffer(imageIn(parts).getContentSource());
            byte[] bytes = new byte[content.remaining()];
            content.get(bytes);
            return bytes;
        } catch (CompletionException | IOException e) {
            Throwable reason = e instanceof CompletionException && e.getCause() != null ? e.getCause() : e;
            throw ApiError.badRequest("the multipart body is malformed: " + reason.getMessage());
        }
    }

    private static MultiPart.Part imageIn(MultiPartFormData.Parts parts) {
        MultiPart.Part named = parts.getFirst("image");
        if (named != null) {
            return named;
        }
        for (MultiPart.Part part : parts) {
            if (part.getFileName() != null) {
                return part;
            }
        }
        throw ApiError.badRequest("the form has no file; send one as the part 'image'");
    }
}
