/* Who owns what is made in a cloud: the tag by which the machines of one user on one account are told from another's. */
#ifndef CORE_RUN_USER_H
#define CORE_RUN_USER_H

/* 8 hexadecimal digits, the same as long as the state folder lives (kept there as "user"), and after its loss the same again for the
 * same user of the same machine with the same folder. Blocks on the disk. The caller frees; never NULL. */
char *user_hash(void);

#endif
