package org.sparsercnn.dist;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sparsercnn.util.BadInput;

/** Slurm's short forms for lists. */
final class SlurmHosts {
    private static final Pattern NAME = Pattern.compile("^([^,\\[]+)(?:\\[([^\\]]+)\\])?([^,]*)");
    private static final Pattern TASKS = Pattern.compile("(\\d+)(?:\\(x(\\d+)\\))?");

    private SlurmHosts() {}

    /** The first of {@code gpu[03-05,07],login1}: {@code gpu03}. */
    static String first(String list) {
        Matcher name = NAME.matcher(list.strip());
        if (!name.find()) {
            throw BadInput.of("Slurm's list of nodes is '%s'; name rank 0's machine by --dist-url tcp://HOST:PORT", list);
        }
        return name.group(1) + (name.group(2) == null ? "" : name.group(2).split("[-,]")[0]) + name.group(3);
    }

    /** Tasks on node {@code node} of {@code 8(x2),4}, which is three nodes; 0 where the list does not tell. */
    static int tasksHere(String list, String node) {
        int at = node.matches("\\d{1,9}") ? Integer.parseInt(node) : 0;
        Matcher tasks = TASKS.matcher(list);
        while (tasks.find()) {
            int nodes = tasks.group(2) == null ? 1 : Integer.parseInt(tasks.group(2));
            if (at < nodes) {
                return Integer.parseInt(tasks.group(1));
            }
            at -= nodes;
        }
        return 0;
    }
}
