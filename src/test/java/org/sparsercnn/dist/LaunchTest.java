package org.sparsercnn.dist;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparsercnn.util.BadInput;

class LaunchTest {
    private static Launch launch(Launch.Options options, String... variables) {
        Map<String, String> env = new HashMap<>();
        for (int i = 0; i < variables.length; i += 2) {
            env.put(variables[i], variables[i + 1]);
        }
        return Launch.of(options, env);
    }

    private static Launch.Options options(Integer gpus, int machines, int rank, String url) {
        return new Launch.Options(Optional.ofNullable(gpus), machines, rank, url);
    }

    @Test
    void alone() {
        assertThat(launch(Launch.Options.NONE)).isEqualTo(Launch.alone());
        assertThat(launch(options(4, 1, 0, "auto"))).isEqualTo(Launch.threads(4));
        assertThat(Launch.threads(4).describe()).isEqualTo("4 ranks in one process");
    }

    @Test
    void machines_by_options() {
        Launch second = launch(options(8, 3, 1, "tcp://node0:29501"), Launch.TOKEN, "ours");
        assertThat(second).isEqualTo(new Launch(Launch.Kind.RENDEZVOUS, 24, 8, 8, 0, 8, Optional.of(new DistUrl("node0", 29501)), "ours"));
        assertThat(second.isMain()).isFalse();
        assertThat(second.describe()).isEqualTo("3 processes, which meet at tcp://node0:29501");
    }

    @Test
    void mpirun() {
        Launch launch = launch(Launch.Options.NONE, "OMPI_COMM_WORLD_SIZE", "4", "OMPI_COMM_WORLD_RANK", "3", "OMPI_COMM_WORLD_LOCAL_RANK", "1",
                "OMPI_COMM_WORLD_LOCAL_SIZE", "2");
        assertThat(launch).isEqualTo(new Launch(Launch.Kind.MPI, 4, 3, 1, 1, 2, Optional.empty(), ""));
    }

    @Test
    void torchrun() {
        String[] variables = {"WORLD_SIZE", "16", "RANK", "9", "LOCAL_RANK", "1", "LOCAL_WORLD_SIZE", "8", "MASTER_ADDR", "10.0.0.7", "MASTER_PORT", "29500",
            "TORCHELASTIC_RUN_ID", "job"};
        assertThat(launch(Launch.Options.NONE, variables))
                .isEqualTo(new Launch(Launch.Kind.RENDEZVOUS, 16, 9, 1, 1, 8, Optional.of(new DistUrl("10.0.0.7", 29500)), "job"));
        String[] agent = Arrays.copyOf(variables, variables.length + 2);
        agent[variables.length] = "TORCHELASTIC_USE_AGENT_STORE";
        agent[variables.length + 1] = "True";
        assertThat(launch(Launch.Options.NONE, agent).url().orElseThrow().port()).isEqualTo(29501);
    }

    @Test
    void slurm() {
        String[] step = {"SLURM_STEP_NUM_TASKS", "6", "SLURM_PROCID", "4", "SLURM_LOCALID", "1", "SLURM_NODEID", "1", "SLURM_STEP_TASKS_PER_NODE", "3(x2)",
            "SLURM_STEP_NODELIST", "gpu[03-04]", "SLURM_JOB_ID", "77", "SLURM_STEP_ID", "0"};
        Launch launch = launch(Launch.Options.NONE, step);
        assertThat(launch.kind()).isEqualTo(Launch.Kind.RENDEZVOUS);
        assertThat(launch.url().orElseThrow().host()).isEqualTo("gpu03");
        assertThat(launch.url().orElseThrow().port()).isBetween(29500, 30499);
        assertThat(new int[] {launch.size(), launch.first(), launch.here(), launch.local(), launch.localSize()}).containsExactly(6, 4, 1, 1, 3);
        assertThat(launch.secret()).isEqualTo("slurm 77.0");
        String[] pmix = Arrays.copyOf(step, step.length + 2);
        pmix[step.length] = "PMIX_RANK";
        pmix[step.length + 1] = "4";
        assertThat(launch(Launch.Options.NONE, pmix).kind()).isEqualTo(Launch.Kind.MPI);
    }

    /** The script of a batch job has the job's variables, but is one process. */
    @Test
    void a_batch_script_is_one_process() {
        assertThat(launch(Launch.Options.NONE, "SLURM_JOB_ID", "77", "SLURM_NTASKS", "8", "SLURM_PROCID", "0", "SLURM_JOB_NODELIST", "gpu[1-8]"))
                .isEqualTo(Launch.alone());
    }

    @Test
    void contradictions_are_refused() {
        assertThatThrownBy(() -> launch(options(0, 1, 0, "auto"))).isInstanceOf(BadInput.class).hasMessage("--num-gpus 0: at least 1");
        assertThatThrownBy(() -> launch(options(1, 0, 0, "auto"))).hasMessage("--num-machines 0: at least 1");
        assertThatThrownBy(() -> launch(options(1, 2, 2, "auto"))).hasMessageContaining("--machine-rank 2: counted from 0, below --num-machines 2");
        assertThatThrownBy(() -> launch(options(1, 2, 0, "auto"))).hasMessageContaining("--dist-url is missing");
        assertThatThrownBy(() -> launch(options(1, 2, 0, "tcp://a:0"))).hasMessageContaining("port 0");
        assertThatThrownBy(() -> launch(options(2, 1, 0, "auto"), "OMPI_COMM_WORLD_SIZE", "2", "OMPI_COMM_WORLD_RANK", "0"))
                .hasMessageContaining("--num-gpus 2").hasMessageContaining("mpirun");
        assertThatThrownBy(() -> launch(Launch.Options.NONE, "WORLD_SIZE", "2", "RANK", "0")).hasMessageContaining("no MASTER_ADDR");
        assertThatThrownBy(() -> launch(Launch.Options.NONE, "WORLD_SIZE", "2", "RANK", "x", "MASTER_ADDR", "a", "MASTER_PORT", "1"))
                .hasMessageContaining("RANK is 'x'");
    }

    @ParameterizedTest
    @CsvSource({"tcp://a:1,a,1", "tcp://10.0.0.1:29500,10.0.0.1,29500", "tcp://[fd00::1]:5,fd00::1,5"})
    void urls(String text, String host, int port) {
        assertThat(DistUrl.parse(text)).isEqualTo(new DistUrl(host, port)).hasToString(text);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "auto", "a:1", "http://a:1", "tcp://:1", "tcp://a", "tcp://a:b", "tcp://a:70000", "tcp://fd00::1:5"})
    void what_is_no_url(String text) {
        assertThatThrownBy(() -> DistUrl.parse(text)).isInstanceOf(BadInput.class).hasMessageContaining("--dist-url " + text);
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {"gpu[03-05,07],login1;gpu03", "n1,n2;n1", "node-7;node-7", "r[1,3]c;r1c", "a[1-2]b[3-4];a1b[3-4]"})
    void slurms_first_host(String list, String host) {
        assertThat(SlurmHosts.first(list)).isEqualTo(host);
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {"8(x2),4;0;8", "8(x2),4;1;8", "8(x2),4;2;4", "8(x2),4;3;0", "'';0;0", "2;0;2"})
    void slurms_tasks(String list, String node, int tasks) {
        assertThat(SlurmHosts.tasksHere(list, node)).isEqualTo(tasks);
    }
}
