package org.sparsercnn.config;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * A config key: one annotated component of a record. YAML, overrides, type checks, dump and docs/config.md follow from this
 * line alone; the component's Java type says what the value is read as.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
@interface Key {
    /** The key as users write it, without its section. */
    String name();

    /** The default as a Python literal; its Python type is what yacs' type rule holds new values to. */
    String is();

    /** One sentence for docs/config.md. */
    String doc();

    /** The only values allowed, as {@code str()} shows them; none named: no such limit. Holds for each item of a list. */
    String[] oneOf() default {};

    /** The smallest number allowed. Holds for each item of a list. */
    double min() default Double.NEGATIVE_INFINITY;

    /** The largest number allowed. Holds for each item of a list. */
    double max() default Double.POSITIVE_INFINITY;

    /** The length a list must have; 0: any. */
    int length() default 0;

    /** True for a key that detectron2 and Sparse R-CNN do not have. */
    boolean ours() default false;
}
