package org.sparsercnn.device;

/**
 * What is done to a matrix product or convolution before it is written: {@code act(result + bias + residual)}.
 *
 * @param bias one value per output column or channel, or null
 * @param residual same shape as the output, or null
 * @param relu whether {@code act} is ReLU rather than the identity
 */
public record Epilogue(Pointer bias, Pointer residual, boolean relu) {
    public static final Epilogue NONE = new Epilogue(null, null, false);
}
