package org.sparsercnn.app;

import java.util.Comparator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Names as people count them: frame2 before frame10. Runs of digits compare as numbers of any length, the rest by character. */
final class NaturalOrder implements Comparator<String> {
    private static final Pattern RUN = Pattern.compile("[0-9]+|[^0-9]+");

    @Override
    public int compare(String a, String b) {
        Matcher left = RUN.matcher(a);
        Matcher right = RUN.matcher(b);
        boolean moreLeft = left.find();
        boolean moreRight = right.find();
        while (moreLeft && moreRight) {
            int order = runs(left.group(), right.group());
            if (order != 0) {
                return order;
            }
            moreLeft = left.find();
            moreRight = right.find();
        }
        return moreLeft == moreRight ? a.compareTo(b) : Boolean.compare(moreLeft, moreRight); // 01 and 1 are equal numbers
    }

    private static int runs(String a, String b) {
        if (!Character.isDigit(a.charAt(0)) || !Character.isDigit(b.charAt(0))) {
            return a.compareTo(b);
        }
        String x = a.replaceFirst("^0+(?=.)", "");
        String y = b.replaceFirst("^0+(?=.)", "");
        return x.length() != y.length() ? Integer.compare(x.length(), y.length()) : x.compareTo(y);
    }
}
