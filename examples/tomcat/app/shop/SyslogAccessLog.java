// SPDX-License-Identifier: Apache-2.0
package shop;

import java.io.CharArrayWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.valves.AbstractAccessLogValve;

/**
 * Tomcat's access log over TCP to the log agent of the container (RFC 5424, one message a line). Requests never wait
 * for it: what the agent does not take is dropped when the queue is full. At Tomcat's shutdown the queue is emptied, so
 * an agent that stops after Tomcat has every line.
 */
public class SyslogAccessLog extends AbstractAccessLogValve {
    private static final String END = "";
    private final BlockingQueue<String> lines = new ArrayBlockingQueue<>(10_000);
    private String host = "127.0.0.1";
    private int port = 5140;
    private Thread sender;

    public void setHost(String host) {
        this.host = host;
    }

    public void setPort(int port) {
        this.port = port;
    }

    @Override
    protected void log(CharArrayWriter message) {
        lines.offer("<134>1 " + Instant.now().truncatedTo(ChronoUnit.MILLIS) + " - tomcat - - - " + message + "\n");
    }

    @Override
    protected synchronized void startInternal() throws LifecycleException {
        sender = new Thread(this::send, "access-log");
        sender.setDaemon(true);
        sender.start();
        super.startInternal();
    }

    @Override
    protected synchronized void stopInternal() throws LifecycleException {
        super.stopInternal();
        try {
            lines.put(END);
            sender.join(3000);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    private void send() {
        Socket socket = null;
        try {
            for (String line = lines.take(); !line.equals(END); line = lines.take()) {
                socket = sendLine(socket, line);
            }
            if (socket != null) {
                socket.close();
            }
        } catch (InterruptedException | IOException stopped) {
            // The end of the log agent or of Tomcat: nobody is left to be told.
        }
    }

    /** Sends over the open connection, or over a new one if it broke; gives back the one to use next. */
    private Socket sendLine(Socket open, String line) throws InterruptedException {
        Socket socket = open;
        while (true) {
            try {
                if (socket == null) {
                    socket = new Socket();
                    socket.connect(new InetSocketAddress(host, port), 1000);
                }
                OutputStream out = socket.getOutputStream();
                out.write(line.getBytes(StandardCharsets.UTF_8));
                return socket;
            } catch (IOException agentIsAway) {
                socket = null;
                Thread.sleep(200);
            }
        }
    }
}
