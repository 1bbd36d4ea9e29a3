package org.sparsercnn.train;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GeneralFormatTest {
    /** Python's {@code '%.<digits>g' % value}. */
    @ParameterizedTest
    @CsvSource({
        "0, 4, 0", "-0.0, 4, -0", "2.1, 4, 2.1", "38.85850811, 4, 38.86", "0.0010000, 5, 0.001", "4.9953e-07, 5, 4.9953e-07", "1e20, 5, 1e+20",
        "12345.6, 4, 1.235e+04", "9999.6, 4, 1e+04", "0.00012344, 4, 0.0001234", "0.000099999, 4, 0.0001", "0.00001, 5, 1e-05", "-1.5, 3, -1.5",
        "2.5, 1, 2", "0.125, 2, 0.12", "100, 4, 100", "NaN, 4, nan", "Infinity, 4, inf", "-Infinity, 4, -inf",
    })
    void prints_as_python_does(double value, int digits, String wanted) {
        assertThat(GeneralFormat.of(value, digits)).isEqualTo(wanted);
    }
}
