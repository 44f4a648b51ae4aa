/*
 * Stands between a program and the C library (LD_PRELOAD) and keeps what would be there if the power went now.
 *
 * POWER_DISK is the folder that is modelled, POWER_PLATTER the one where the model lies, on the same file system:
 *
 *   files/INODE     the content of a file when it was last synced
 *   folders/INODE   the names in a folder when the folder was last synced: inode, kind and name, one a line
 *   pins/INODE      a further link to each file of the two above, so that its number isn't given to another one
 *   journal         a line for each sync: `+` done, `-` ignored, `!` cut, and what was to be synced
 *   ignore          patterns (fnmatch(3)), one a line: a sync of what matches does nothing and says that all is well
 *   cut             a number and a pattern: instead of the sync of what matches for that many times the power goes
 *
 * Nothing is durable before it was synced, neither bytes nor names, and that is all there is to know: so the calls that
 * write, rename or delete needn't be seen, and none can be missed. ext4 promises more (a new file that is synced has its
 * name too, a rename is one thing), other file systems don't, and the server is to need none of it. sync_file_range(2)
 * promises nothing; sync(2), syncfs(2), msync(2) and O_SYNC would count, and nobody here uses them.
 *
 * What was written and not synced may survive as well: the test decides, which compares this model with the folder itself.
 * The real disk isn't asked to sync anything. One process at a time: the lock is for its threads.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What a disk writes at once. */
#define BLOCK 4096
#define CHUNK (64 * BLOCK)

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static void require(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "interposer: %s: %s\n", what, strerror(errno));
        abort();
    }
}

/* A path in the model; the caller gives the room. */
static const char *in_platter(char *path, const char *folder, unsigned long long inode)
{
    int length = snprintf(path, PATH_MAX, "%s/%s/%llu", getenv("POWER_PLATTER"), folder, inode);
    require(length < PATH_MAX, "path");
    return path;
}

static FILE *orders(const char *name, const char *mode)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", getenv("POWER_PLATTER"), name);
    return fopen(path, mode);
}

static void note(char what, const char *path)
{
    FILE *journal = orders("journal", "ae");
    require(journal != NULL, "journal");
    fprintf(journal, "%c %s\n", what, path);
    fclose(journal);
}

static int is_ignored(const char *path)
{
    FILE *file = orders("ignore", "re");
    char pattern[PATH_MAX];
    int found = 0;
    while (file != NULL && !found && fgets(pattern, sizeof pattern, file) != NULL) {
        pattern[strcspn(pattern, "\n")] = '\0';
        found = fnmatch(pattern, path, 0) == 0;
    }
    if (file != NULL)
        fclose(file);
    return found;
}

static int is_cut(const char *path)
{
    static char before[PATH_MAX];
    static long seen;
    char order[PATH_MAX] = "", *pattern;
    FILE *file = orders("cut", "re");
    if (file == NULL)
        return 0;
    if (fgets(order, sizeof order, file) == NULL)
        order[0] = '\0';
    fclose(file);
    order[strcspn(order, "\n")] = '\0';
    if (strcmp(order, before) != 0) {
        strcpy(before, order);
        seen = 0;
    }
    long number = strtol(order, &pattern, 10);
    if (number < 1 || *pattern != ' ' || fnmatch(pattern + 1, path, 0) != 0)
        return 0;
    return ++seen == number;
}

static void keep_file(const char *open_file, unsigned long long inode)
{
    static char latest[CHUNK], kept[CHUNK];
    char path[PATH_MAX];
    /* One that was deleted meanwhile has no name to lose. */
    linkat(AT_FDCWD, open_file, AT_FDCWD, in_platter(path, "pins", inode), AT_SYMLINK_FOLLOW);
    int from = open(open_file, O_RDONLY | O_CLOEXEC);
    int to = open(in_platter(path, "files", inode), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    require(from >= 0 && to >= 0, "open");
    off_t offset = 0;
    ssize_t read;
    while ((read = pread(from, latest, CHUNK, offset)) > 0) {
        ssize_t had = pread(to, kept, read, offset);
        for (ssize_t at = 0; at < read; at += BLOCK) {
            ssize_t size = read - at < BLOCK ? read - at : BLOCK;
            if (at + size > had || memcmp(latest + at, kept + at, size) != 0)
                require(pwrite(to, latest + at, size, offset + at) == size, "write");
        }
        offset += read;
    }
    require(read == 0 && ftruncate(to, offset) == 0, "copy");
    close(from);
    close(to);
}

static void keep_folder(const char *open_folder, unsigned long long inode)
{
    char path[PATH_MAX], beside[PATH_MAX + 4], pin[PATH_MAX];
    in_platter(path, "folders", inode);
    snprintf(beside, sizeof beside, "%s.new", path);
    DIR *folder = opendir(open_folder);
    FILE *list = fopen(beside, "we");
    require(folder != NULL && list != NULL, "open folder");
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        struct stat is;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (fstatat(dirfd(folder), entry->d_name, &is, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        char kind = S_ISDIR(is.st_mode) ? 'd' : S_ISLNK(is.st_mode) ? 'l' : 'f';
        if (kind != 'd')
            linkat(dirfd(folder), entry->d_name, AT_FDCWD, in_platter(pin, "pins", is.st_ino), 0);
        fprintf(list, "%llu %c %s\n", (unsigned long long)is.st_ino, kind, entry->d_name);
    }
    closedir(folder);
    require(fclose(list) == 0 && rename(beside, path) == 0, "keep folder");
}

static int sync_now(int fd, long real)
{
    const char *disk = getenv("POWER_DISK");
    char open_file[64], path[PATH_MAX];
    struct stat is;
    if (fstat(fd, &is) != 0)
        return -1;
    snprintf(open_file, sizeof open_file, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(open_file, path, sizeof path - 1);
    require(length > 0 && disk != NULL, "path");
    path[length] = '\0';
    size_t prefix = strlen(disk);
    if (strncmp(path, disk, prefix) != 0 || (path[prefix] != '/' && path[prefix] != '\0'))
        return syscall(real, fd);
    const char *name = path[prefix] == '/' ? path + prefix + 1 : ".";

    pthread_mutex_lock(&turn);
    if (is_ignored(name)) {
        note('-', name);
    } else if (is_cut(name)) {
        note('!', name);
        kill(getpid(), SIGKILL);
        pause();
    } else {
        if (S_ISDIR(is.st_mode))
            keep_folder(open_file, is.st_ino);
        else
            keep_file(open_file, is.st_ino);
        note('+', name);
    }
    pthread_mutex_unlock(&turn);
    return 0;
}

int fsync(int fd)
{
    return sync_now(fd, SYS_fsync);
}

int fdatasync(int fd)
{
    return sync_now(fd, SYS_fdatasync);
}
