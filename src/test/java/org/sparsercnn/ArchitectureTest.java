package org.sparsercnn;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Which package may import which. The table is ARCHITECTURE.md's; a package with no row here may not exist. */
class ArchitectureTest {
    private static final String ROOT = "org.sparsercnn.";

    /** Package, and what it may import beside itself and util, in an order in which "all above" has a meaning. */
    private static final Map<String, List<String>> MAY_IMPORT = new LinkedHashMap<>();

    static {
        row("util");
        row("config");
        row("ffi");
        row("ffi.cuda", "ffi");
        row("ffi.jcuda", "ffi", "ffi.cuda");
        row("device");
        row("device.cpu", "device", "ffi");
        row("device.cuda", "device", "ffi", "ffi.cuda", "ffi.jcuda");
        row("tensor", "device");
        row("autograd", "tensor");
        row("op", "autograd", "tensor", "device");
        row("nn", "op", "autograd", "tensor");
        row("optim", "op", "nn", "tensor");
        row("dist", "autograd", "tensor", "device", "ffi");
        row("io", "tensor", "nn");
        row("box");
        row("data", "box", "tensor", "device", "config", "ffi");
        row("model", "nn", "op", "box", "config");
        row("loss", "op", "box", "tensor", "config");
        row("eval", "data");
        rowOfAllAbove("train");
        row("viz", "box", "eval", "data");
        rowOfAllAbove("app");
        row("web", "app", "viz");
        rowOfAllAbove("cli");
    }

    /** What the table's rows leave out, though the signatures of what they allow speak these types. */
    private static final Map<String, List<String>> MAY_IMPORT_TOO = Map.of(
            "autograd", List.of("device"), // a tape belongs to a device
            "nn", List.of("device"), // a module initialises its parameters there
            "optim", List.of("autograd", "device"), // it queues kernels
            "model", List.of("autograd", "tensor", "device"),
            "loss", List.of("autograd"),
            "eval", List.of("box")); // pycocotools' IoU

    private static void row(String name, String... mayImport) {
        MAY_IMPORT.put(name, List.of(mayImport));
    }

    private static void rowOfAllAbove(String name) {
        MAY_IMPORT.put(name, new ArrayList<>(MAY_IMPORT.keySet()));
    }

    private static JavaClasses ours;

    @BeforeAll
    static void read() {
        ours = new ClassFileImporter().withImportOption(new ImportOption.DoNotIncludeTests()).importPackages("org.sparsercnn");
    }

    /** The row a class of ours falls under: that of its package or of the nearest package around it; "" where there is none. */
    private static String rowOf(JavaClass type) {
        String name = type.getPackageName();
        while (name.startsWith(ROOT)) {
            String row = name.substring(ROOT.length());
            if (MAY_IMPORT.containsKey(row)) return row;
            name = name.substring(0, name.lastIndexOf('.'));
        }
        return "";
    }

    private static DescribedPredicate<JavaClass> ofRow(String row) {
        return describe("of package " + row, type -> rowOf(type).equals(row));
    }

    @TestFactory
    Stream<DynamicTest> importsOnlyWhatItsRowNames() {
        return MAY_IMPORT.keySet().stream().map(row -> dynamicTest(row, () -> {
            List<String> allowed = new ArrayList<>(MAY_IMPORT.get(row));
            allowed.addAll(MAY_IMPORT_TOO.getOrDefault(row, List.of()));
            allowed.addAll(List.of(row, "util"));
            noClasses().that(ofRow(row)).should().dependOnClassesThat(
                            describe("belong to a package that " + row + " may not import; it may import " + allowed,
                                    type -> type.getPackageName().startsWith(ROOT) && !allowed.contains(rowOf(type))))
                    .allowEmptyShould(true).check(ours);
        }));
    }

    @Test
    void everyPackageHasARow() {
        assertThat(ours.stream().filter(type -> !type.getPackageName().equals(ROOT + "launcher") && rowOf(type).isEmpty())).isEmpty();
    }

    @Test
    void theLauncherNeedsTheJdkAlone() {
        classes().that().resideInAPackage(ROOT + "launcher").should().onlyDependOnClassesThat(
                resideInAPackage("java..").or(resideInAPackage(ROOT + "launcher"))).check(ours);
    }

    @Test
    void onlyFfiReachesNativeCode() {
        DescribedPredicate<JavaClass> outside = describe("outside ffi", type -> !rowOf(type).startsWith("ffi"));
        noClasses().that(outside).should().dependOnClassesThat().haveFullyQualifiedName("java.lang.foreign.Linker")
                .orShould().dependOnClassesThat().haveFullyQualifiedName("java.lang.foreign.SymbolLookup")
                .orShould().callMethod(System.class, "load", String.class)
                .orShould().callMethod(System.class, "loadLibrary", String.class)
                .orShould().callMethod(Runtime.class, "load", String.class)
                .orShould().callMethod(Runtime.class, "loadLibrary", String.class).check(ours);
    }

    @Test
    void onlyFfiJcudaImportsJcuda() {
        noClasses().that(describe("outside ffi.jcuda", type -> !rowOf(type).equals("ffi.jcuda"))).should()
                .dependOnClassesThat(resideInAnyPackage("jcuda..")).check(ours);
    }

    /** Of no consequence to a run is what time it is: clocks are set back. Durations are of System.nanoTime. */
    @Test
    void onlyTimestampsLookAtTheClock() {
        List<String> stamping = List.of("org.sparsercnn.app.LogFile", "org.sparsercnn.app.Bench", "org.sparsercnn.train.TensorBoardLog");
        DescribedPredicate<JavaCall<?>> clock = describe("the time of day", call -> {
            String owner = call.getTargetOwner().getName();
            return owner.startsWith("java.time.") && call.getName().equals("now") || call.getName().equals("currentTimeMillis")
                    || call.getName().equals("getLastModifiedTime") || call.getName().equals("lastModified") || owner.equals("java.util.Date");
        });
        noClasses().that(describe("other than " + stamping, type -> !stamping.contains(type.getName()))).should().callCodeUnitWhere(clock).check(ours);
    }
}
