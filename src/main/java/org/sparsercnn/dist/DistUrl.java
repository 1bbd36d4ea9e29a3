package org.sparsercnn.dist;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import org.sparsercnn.util.BadInput;

/**
 * Where rank 0 waits for the others: detectron2's {@code --dist-url}.
 *
 * @param host a name or address of rank 0's machine; IPv6 without brackets
 * @param port 0 lets the system choose, where the others are told by other means
 */
public record DistUrl(String host, int port) {
    private static final String SCHEME = "tcp://";
    private static final int MAX_PORT = 65_535;

    /** @throws BadInput for what is no port */
    public DistUrl {
        if (port < 0 || port > MAX_PORT) {
            throw BadInput.of("port %d of %s, where rank 0 is to wait: 1 to %d", port, host, MAX_PORT);
        }
    }

    /** @throws BadInput for anything but {@code tcp://host:port} */
    public static DistUrl parse(String text) {
        int colon = text.lastIndexOf(':');
        if (!text.startsWith(SCHEME) || colon <= SCHEME.length() || !text.substring(colon + 1).matches("\\d{1,5}")
                || Integer.parseInt(text.substring(colon + 1)) > MAX_PORT) {
            throw BadInput.of("--dist-url %s: wanted is tcp://HOST:PORT, a name or address of the machine of rank 0 and a free port there,"
                    + " such as tcp://10.0.0.1:29500", text);
        }
        String host = text.substring(SCHEME.length(), colon);
        boolean bracketed = host.startsWith("[") && host.endsWith("]");
        if (!bracketed && host.contains(":")) {
            throw BadInput.of("--dist-url %s: an IPv6 address stands in brackets, as in tcp://[fd00::1]:29500", text);
        }
        return new DistUrl(bracketed ? host.substring(1, host.length() - 1) : host, Integer.parseInt(text.substring(colon + 1)));
    }

    /** @throws BadInput if the name is not known here */
    InetSocketAddress resolve() {
        try {
            return new InetSocketAddress(InetAddress.getByName(host), port);
        } catch (UnknownHostException e) {
            throw new BadInput(this + ": this machine knows no host of that name; use the address of rank 0's machine", e);
        }
    }

    @Override
    public String toString() {
        return SCHEME + (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
    }
}
