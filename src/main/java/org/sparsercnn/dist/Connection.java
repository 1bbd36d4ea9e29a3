package org.sparsercnn.dist;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import org.sparsercnn.util.AtomicFiles;

/** One end of a rendezvous connection. Any thread may send; one reads. */
final class Connection implements AutoCloseable {
    private final Socket socket;
    private final DataInputStream in;

    /** @param patience how long {@link #read} waits for a message */
    Connection(Socket socket, Duration patience) throws IOException {
        this.socket = socket;
        socket.setTcpNoDelay(true);
        this.in = new DataInputStream(new BufferedInputStream(socket.getInputStream(), Message.BYTES));
        patience(patience);
    }

    void patience(Duration patience) throws IOException {
        socket.setSoTimeout(Math.toIntExact(Math.max(1, patience.toMillis())));
    }

    synchronized void send(Message message) throws IOException {
        message.write(socket.getOutputStream());
    }

    /**
     * @throws java.net.SocketTimeoutException if none comes in time
     * @throws java.io.EOFException where the other end has gone
     */
    Message read() throws IOException {
        return Message.read(in);
    }

    /** What a failed {@link #read} says of the process at the other end. */
    static String lost(IOException e, Duration patience) {
        return switch (e) {
            case SocketTimeoutException _ -> Judge.silent(patience.toMillis());
            case EOFException _, SocketException _ -> "its process has ended without a word"; // the latter where it had not read all that was sent to it
            default -> "the connection to its process broke: " + AtomicFiles.reason(e);
        };
    }

    String peer() {
        return socket.getInetAddress().getHostAddress();
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException _) { // it is gone either way
        }
    }
}
