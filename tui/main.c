/* The program: the one file that joins screen, verbs, core and providers. */
#include <stdio.h>

int main(void)
{
	puts("skytop");
	return 0;
}
