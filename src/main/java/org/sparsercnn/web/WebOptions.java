package org.sparsercnn.web;

import java.util.List;
import org.sparsercnn.util.BadInput;

/**
 * Where the server listens and to whom.
 *
 * @param host name or address to bind
 * @param port 0: any that is free
 * @param allowedHosts further values of the Host header, each a name, or a name and a port
 * @param bodyBytes most bytes of a request's body
 */
public record WebOptions(String host, int port, List<String> allowedHosts, long bodyBytes) {
    public WebOptions {
        if (port < 0 || port > 65_535) {
            throw BadInput.of("--port %d: 0 to 65535; 0 takes any that is free", port);
        }
        if (bodyBytes < 1 || bodyBytes > 1L << 30) {
            throw BadInput.of("--max-body-mb %s: more than 0, at most 1073", bodyBytes / 1e6);
        }
        for (String allowed : allowedHosts) {
            if (!allowed.matches("[A-Za-z0-9._-]+(:\\d{1,5})?|\\[[0-9A-Fa-f:.]+](:\\d{1,5})?")) {
                throw BadInput.of("--allowed-host %s: a host name such as photos.example.org, with a port where the Host header has one", allowed);
            }
        }
        allowedHosts = List.copyOf(allowedHosts);
    }
}
