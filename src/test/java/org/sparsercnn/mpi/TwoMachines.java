package org.sparsercnn.mpi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Two network namespaces of this machine, each with a name and an address, and a cable between them: to programs they are two machines. */
final class TwoMachines implements AutoCloseable {
    static final String ADDRESS = "10.77.0.1";
    private static final String OTHER_ADDRESS = "10.77.0.2";
    private static final String NETWORK = "10.77.0.0/24";
    private static final String CABLE = "cable";

    /** Names of theirs. */
    final String first = "first" + ProcessHandle.current().pid();
    final String second = "second" + ProcessHandle.current().pid();
    private final Path folder;

    private TwoMachines(Path folder) {
        this.folder = folder;
    }

    /** Skips the test where there is no {@code ip}, or no right to it. */
    static TwoMachines in(Path folder) throws IOException, InterruptedException {
        TwoMachines machines = new TwoMachines(folder);
        String trouble = machines.ip("netns", "add", machines.first);
        if (!trouble.isEmpty()) {
            System.out.println("tests with two machines are skipped: they need iproute2, and the right to make network namespaces: " + trouble);
            abort(trouble);
        }
        try {
            machines.build();
            return machines;
        } catch (IOException | InterruptedException | AssertionError e) {
            machines.close();
            throw e;
        }
    }

    private void build() throws IOException, InterruptedException {
        require("netns", "add", second);
        require("link", "add", CABLE, "netns", first, "type", "veth", "peer", "name", CABLE, "netns", second);
        configure(first, ADDRESS);
        configure(second, OTHER_ADDRESS);
        // In ssh's place: it is asked for the second machine only.
        Files.writeString(agent(), "#!/bin/sh\nshift\nexec " + String.join(" ", on(second)) + " sh -c \"$*\"\n");
        Files.setPosixFilePermissions(agent(), PosixFilePermissions.fromString("rwx------"));
    }

    private Path agent() {
        return folder.resolve("agent.sh");
    }

    private void configure(String machine, String address) throws IOException, InterruptedException {
        require("-n", machine, "address", "add", address + "/24", "dev", CABLE);
        require("-n", machine, "link", "set", "lo", "up");
        require("-n", machine, "link", "set", CABLE, "up");
    }

    /** Of a command on a machine. */
    private List<String> on(String machine) {
        Path script = folder.resolve(machine + ".sh");
        try {
            Files.writeString(script, "echo " + machine + " > /proc/sys/kernel/hostname\nexec \"$@\"\n");
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return List.of("ip", "netns", "exec", machine, "unshare", "--uts", "sh", script.toString());
    }

    /**
     * One rank on each, started from the first.
     *
     * @param java what follows {@code java}
     */
    MpiJob start(Map<String, String> variables, List<String> java) throws IOException {
        List<String> command = new ArrayList<>(on(first));
        command.addAll(MpiJob.mpirun(2, List.of("--host", ADDRESS + "," + OTHER_ADDRESS, "--mca", "plm_rsh_agent", agent().toString(), "--mca", "btl",
                "tcp,self", "--mca", "oob_tcp_if_include", NETWORK, "--mca", "btl_tcp_if_include", NETWORK)));
        command.addAll(List.of("env", MpiJob.JAVA.toString()));
        command.addAll(java);
        return MpiJob.start(folder, variables, command);
    }

    void pullTheCable() throws IOException, InterruptedException {
        require("-n", second, "link", "set", CABLE, "down");
    }

    void plugItIn() throws IOException, InterruptedException {
        require("-n", second, "link", "set", CABLE, "up");
    }

    private void require(String... arguments) throws IOException, InterruptedException {
        assertThat(ip(arguments)).as("ip " + String.join(" ", arguments)).isEmpty();
    }

    /** Returns what is wrong; empty: nothing. */
    private String ip(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("ip"));
        command.addAll(List.of(arguments));
        Path said = Files.createTempFile(folder, "ip", ".txt");
        try {
            int code = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said.toFile()).start().waitFor();
            return code == 0 ? "" : "ip ended with " + code + ": " + Files.readString(said).strip();
        } catch (IOException e) {
            return e.getMessage();
        }
    }

    /** With whatever still runs on them. */
    @Override
    public void close() throws IOException {
        try {
            remove();
        } catch (InterruptedException e) {
            throw new IOException("interrupted before the machines were gone", e);
        }
    }

    private void remove() throws IOException, InterruptedException {
        for (String machine : List.of(first, second)) {
            Process list = new ProcessBuilder("ip", "netns", "pids", machine).redirectError(ProcessBuilder.Redirect.DISCARD).start();
            for (String pid : new String(list.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).split("\\s+")) {
                if (!pid.isEmpty()) {
                    ProcessHandle.of(Long.parseLong(pid)).ifPresent(ProcessHandle::destroyForcibly);
                }
            }
            ip("netns", "delete", machine);
        }
    }
}
