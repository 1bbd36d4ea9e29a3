package org.sparsercnn.dist;

import java.net.InetAddress;
import java.net.UnknownHostException;

/** The machine's name, as people know it. */
final class Host {
    private Host() {}

    static String name() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) { // its name is in no table of addresses: the message has it before a colon
            String message = String.valueOf(e.getMessage());
            int colon = message.indexOf(':');
            return colon > 0 ? message.substring(0, colon) : "this machine";
        }
    }
}
