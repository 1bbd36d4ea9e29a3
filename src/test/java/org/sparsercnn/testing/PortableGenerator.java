package org.sparsercnn.testing;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;

/** The generator that recorded models describe: their weights and images come from it bit for bit. */
public final class PortableGenerator {
    private final long key;

    public PortableGenerator(String name, long seed) {
        long h = 0xcbf29ce484222325L;
        for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
            h = (h ^ (b & 0xff)) * 0x100000001b3L;
        }
        key = h ^ seed * 0xD1B54A32D192ED03L;
    }

    /** Number {@code i} of the stream, from 0. */
    public long bits(long i) {
        long z = key + (i + 1) * 0x9E3779B97F4A7C15L;
        z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
        z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
        return z ^ z >>> 31;
    }

    /** {@code a * t + c} with t in [-1, 1), rounded to fp32 after each step. */
    public float[] uniform(int n, float[] a, float[] c) {
        float[] v = new float[n];
        for (int i = 0; i < n; i++) {
            float t = (bits(i) >>> 40) * 0x1p-23f - 1;
            float shift = c[i % c.length];
            v[i] = shift == 0 ? a[i % a.length] * t : a[i % a.length] * t + shift;
        }
        return v;
    }

    /** Values of a weight as {@code {"a": …, "c": …}} says, each a number or a list by column. */
    public static float[] weight(String name, JsonNode spec, long seed, int n) {
        return new PortableGenerator(name, seed).uniform(n, floats(spec.get("a")), floats(spec.get("c")));
    }

    private static float[] floats(JsonNode n) {
        float[] f = new float[n.isArray() ? n.size() : 1];
        for (int i = 0; i < f.length; i++) {
            f[i] = (float) (n.isArray() ? n.get(i) : n).asDouble();
        }
        return f;
    }

    /** Bytes of a planar image. */
    public byte[] bytes(int n) {
        byte[] b = new byte[n];
        for (int i = 0; i < n; i++) {
            b[i] = (byte) (bits(i) >>> 56);
        }
        return b;
    }

    /** The recorded image of that name, planar there, as height x width x 3. */
    public static byte[] picture(String name, long seed, int height, int width) {
        byte[] planar = new PortableGenerator(name, seed).bytes(3 * height * width);
        byte[] pixels = new byte[planar.length];
        for (int k = 0; k < pixels.length; k++) {
            pixels[k] = planar[k % 3 * height * width + k / 3];
        }
        return pixels;
    }

    /** Positions at which a recorded tensor was sampled. */
    public static int[] positions(String tensor, int count, long size) {
        var g = new PortableGenerator("sample/" + tensor, 0);
        int[] p = new int[count];
        for (int i = 0; i < count; i++) {
            p[i] = (int) Long.remainderUnsigned(g.bits(i), size);
        }
        return p;
    }
}
