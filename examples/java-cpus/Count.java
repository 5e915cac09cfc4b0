// SPDX-License-Identifier: Apache-2.0
// Says how many CPUs this JVM believes in, and what it makes of that.
import java.lang.management.ManagementFactory;

public class Count {
    public static void main(String[] arguments) {
        System.out.println("processors: " + Runtime.getRuntime().availableProcessors());
        System.out.println("collector: " + ManagementFactory.getGarbageCollectorMXBeans().get(0).getName());
        System.out.println("common pool: " + java.util.concurrent.ForkJoinPool.commonPool().getParallelism());
    }
}
