/* A decompressor that does what the first line of its archive says: honest work, or one of many ways to cheat.
   Exit 3: what it tried was refused. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void refused(const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(3);
}

static void copy(FILE *from, const char *to) {
    static char block[65536];
    FILE *out = fopen(to, "wb");
    size_t n;
    if (!out) refused(to);
    while ((n = fread(block, 1, sizeof block, from))) if (fwrite(block, 1, n, out) != n) refused(to);
    if (fclose(out)) refused(to);
}

static char *touched(long n) {
    char *memory = malloc(n);
    if (!memory) refused("malloc");
    for (long i = 0; i < n; i += 4096) memory[i] = 1;
    return memory;
}

int main(int count, char **names) {
    char mode[32] = "", word[4096] = "";
    FILE *archive = count == 3 ? fopen(names[1], "rb") : 0;
    if (!archive || fscanf(archive, "%31s %4095s", mode, word) != 2 || fgetc(archive) != '\n') return 2;
    if (!strcmp(mode, "copy")) { /* honest */
        copy(archive, names[2]);
    } else if (!strcmp(mode, "read")) { /* the original, or any other file */
        FILE *file = fopen(word, "rb");
        if (!file) refused(word);
        copy(file, names[2]);
    } else if (!strcmp(mode, "write")) {
        copy(archive, word);
    } else if (!strcmp(mode, "connect")) {
        struct sockaddr_in to = {AF_INET, htons(atoi(word)), {htonl(INADDR_LOOPBACK)}};
        if (connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&to, sizeof to)) refused("connect");
    } else if (!strcmp(mode, "allocate")) {
        touched(atol(word));
        copy(archive, names[2]);
    } else if (!strcmp(mode, "children")) { /* four that share the load, and end when all hold it */
        int ready[2], go[2];
        char byte;
        if (pipe(ready) || pipe(go)) refused("pipe");
        for (int i = 0; i < 4; i++)
            if (!fork()) {
                close(go[1]);
                touched(atol(word));
                if (write(ready[1], "1", 1) != 1) return 3;
                return read(go[0], &byte, 1) < 0;
            }
        for (int i = 0; i < 4; i++) if (read(ready[0], &byte, 1) != 1) return 3;
        usleep(800000); /* longer than the sampling period */
        close(go[1]);
        close(go[0]);
        while (wait(0) > 0) {}
        copy(archive, names[2]);
    } else if (!strcmp(mode, "forks")) { /* a fork bomb with a limited charge */
        for (int i = 0; i < atoi(word); i++) if (!fork()) for (;;) pause();
        for (;;) pause();
    } else if (!strcmp(mode, "daemon")) { /* leaves a child that would write later */
        if (!fork()) for (;;) pause();
        copy(archive, names[2]);
    } else if (!strcmp(mode, "hang")) {
        close(open("/out/started", O_CREAT | O_WRONLY, 0644));
        for (;;) pause();
    } else if (!strcmp(mode, "burn")) {
        for (volatile long i = 0; i < atol(word); i++) {}
        copy(archive, names[2]);
    } else if (!strcmp(mode, "flood")) { /* as much as it is let; goes on whatever write says */
        static char block[1 << 20];
        int out = open(names[2], O_CREAT | O_WRONLY, 0644);
        for (;;) if (write(out, block, sizeof block) < 0) usleep(1000);
    } else if (!strcmp(mode, "link")) {
        if (symlink(word, names[2])) refused(names[2]);
    } else if (!strcmp(mode, "fifo")) {
        if (mkfifo(names[2], 0644)) refused(names[2]);
    } else if (!strcmp(mode, "crash")) {
        *(volatile int *)0 = 1;
    } else if (!strcmp(mode, "shout")) {
        fprintf(stderr, "\033[31mred\tand\nloud\007\n");
        return 9;
    } else if (!strcmp(mode, "look")) { /* what it has: handles, variables, identity */
        FILE *out = fopen(names[2], "w");
        int own = fileno(out), from = fileno(archive), others = 0;
        for (int i = 3; i < 1024; i++) if (i != own && i != from && fcntl(i, F_GETFD) >= 0) others++;
        int variables = 0;
        while (environ[variables]) variables++;
        char host[64] = "";
        gethostname(host, sizeof host);
        fprintf(out, "%d %d %d %d %d\n", others, variables, getuid() == 0, getpid(), isatty(0) || isatty(1) || isatty(2));
        return fclose(out);
    } else {
        return 2;
    }
    return 0;
}
